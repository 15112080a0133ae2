// Where the page begins: isolated if it can be, its address read, the view shown.
import { render } from "preact";
import { App } from "./app.tsx";
import { firstOpened } from "./model/models.ts";
import { registerOffline } from "./offline.ts";
import { applyTheme } from "./ui/theme.ts";

applyTheme();
render(<App />, document.getElementById("page") as HTMLElement);
void registerOffline(firstOpened);
