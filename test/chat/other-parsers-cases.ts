// What the LFM2 parsers of vLLM, SGLang and llama.cpp are tested with, and what comes out here. Where that is another
// thing, the title says so.
//
//   vLLM       tests/tool_parsers/test_lfm2_tool_parser.py (011cde7)
//   SGLang     test/registered/unit/function_call/test_lfm2_detector.py (with pull request 34237)
//   llama.cpp  tests/test-chat.cpp, test_lfm2_parser (0042e20)
import type { BlockCase } from "./tool-call-cases.ts";

const raw = String.raw;

/** Blocks, in the notation of tool-call-cases.ts; no tools are known. */
export const otherParsersCases: readonly BlockCase[] = [
  ["vLLM: simple", "[get_candidate_status(candidate_id='12345')]", 'get_candidate_status {"candidate_id":"12345"}'],
  [
    "vLLM: more_types",
    "[register_user(name='John Doe', age=37, address={'city': 'San Francisco', 'state': 'CA'}, role=None, passed_test=True, aliases=['John', 'Johnny'])]",
    'register_user {"name":"John Doe","age":37,"address":{"city":"San Francisco","state":"CA"},"role":null,"passed_test":true,"aliases":["John","Johnny"]}',
  ],
  ["vLLM: parameterless", "[get_weather()]", "get_weather {}"],
  ["vLLM: empty_dict", "[do_something_cool(additional_data={})]", 'do_something_cool {"additional_data":{}}'],
  ["vLLM: empty_list", "[do_something_cool(steps=[])]", 'do_something_cool {"steps":[]}'],
  [
    "vLLM: escaped_string",
    raw`[get_weather(city='Martha\'s Vineyard', metric='\"cool units\"')]`,
    raw`get_weather {"city":"Martha's Vineyard","metric":"\"cool units\""}`,
  ],
  [
    "vLLM: parallel_calls",
    "[get_candidate_status(candidate_id='12345'), get_weather()]",
    'get_candidate_status {"candidate_id":"12345"}',
    "get_weather {}",
  ],
  [
    "vLLM: dotted_name",
    "[grocery.orderIngredients(ingredientList=[{'name': 'Lasagna noodles', 'amount': 250, 'unit': 'g'}], deliveryAddress='845 Willow Lane, Springfield, IL 62704')]",
    'grocery.orderIngredients {"ingredientList":[{"name":"Lasagna noodles","amount":250,"unit":"g"}],"deliveryAddress":"845 Willow Lane, Springfield, IL 62704"}',
  ],
  ["vLLM: bracket_in_string", `[exec(command='grep -F "]" log.txt')]`, raw`exec {"command":"grep -F \"]\" log.txt"}`],
  [
    "vLLM: multiline_string_arg",
    "[exec(command='cat > f.py << EOF\nimport csv\nprint(1)\nEOF')]",
    raw`exec {"command":"cat > f.py << EOF\nimport csv\nprint(1)\nEOF"}`,
  ],
  ["vLLM: nul_byte_string_arg", "[exec(command='printf a\0b')]", raw`exec {"command":"printf a\u0000b"}`],
  ["vLLM: set_arg", "[label(tags={'urgent', 'bug'})]", 'label {"tags":["urgent","bug"]}'],
  [
    "vLLM: leading_zero_int; a problem, as 07 could be a text, unless a schema says that it is a number",
    "[set_date(month=07, day=05)]",
    'set_date {"month":7,"day":5} !month !day',
  ],
  [
    "vLLM: nested_quote",
    "[bash(command='sed -n '360,450p' /testbed/sympy/matrices/common.py')]",
    `bash {"command":"sed -n '360,450p' /testbed/sympy/matrices/common.py"}`,
  ],
  [
    "vLLM: nested_python_c",
    `[bash(command='cd /testbed && python3 -c "from sympy import latex\nprint(latex(3*x, mul_symbol='\\,'))"')]`,
    raw`bash {"command":"cd /testbed && python3 -c \"from sympy import latex\nprint(latex(3*x, mul_symbol='\\,'))\""}`,
  ],
  ["vLLM: empty_tool_call_block", "[]"],
  ["vLLM: empty_tool_call_block, with a space", "[ ]"],
  [
    "vLLM: bad_sibling_call; bytes have a problem here, and their call is given out with it",
    "[get_candidate_status(candidate_id='12345'), bad(x=b'z')]",
    'get_candidate_status {"candidate_id":"12345"}',
    'bad {"x":"z"} !x',
  ],
  [
    "vLLM: whitespace_after_start_token",
    " [get_candidate_status(candidate_id='12345')]",
    'get_candidate_status {"candidate_id":"12345"}',
  ],
  [
    "vLLM: char_by_char_multi_dict_list",
    `[grocery.orderIngredients(ingredientList=[{"name": "apple", "quantity": "2"}, {"name": "bread", "quantity": "1"}])]`,
    'grocery.orderIngredients {"ingredientList":[{"name":"apple","quantity":"2"},{"name":"bread","quantity":"1"}]}',
  ],
  ["vLLM: regex_timeout", "[A(A=\t)A(A=,\t\t)A(A=,\t]", "«[A(A=\t)A(A=,\t\t)A(A=,\t]»"],
  [
    "vLLM, pull request 48171: negative numbers, tuples, reserved names, a backslash at the end",
    raw`[f(longitude=-74.0046539, size=(800, 600), from=1, content='pattern \\')]`,
    raw`f {"longitude":-74.0046539,"size":[800,600],"from":1,"content":"pattern \\"}`,
  ],
  ["SGLang: partial_marker", '[get_weather(city="Paris")', 'get_weather {"city":"Paris"}'],
  ["SGLang: pythonic_invalid_escape", raw`[search(query="\d+")]`, raw`search {"query":"\\d+"}`],
  [
    "SGLang: pythonic_multiple_args",
    '[get_weather(city="London", unit="celsius")]',
    'get_weather {"city":"London","unit":"celsius"}',
  ],
  [
    "SGLang: pythonic_multiple_calls",
    '[get_weather(city="Paris"), search(query="restaurants")]',
    'get_weather {"city":"Paris"}',
    'search {"query":"restaurants"}',
  ],
  [
    "SGLang: special_characters_in_value",
    `[search(query="what's the weather?")]`,
    `search {"query":"what's the weather?"}`,
  ],
  [
    "SGLang: json_simple",
    '[{"name": "get_weather", "arguments": {"city": "Berlin"}}]',
    'get_weather {"city":"Berlin"}',
  ],
  [
    "SGLang: json_multiple_calls",
    '[{"name": "get_weather", "arguments": {"city": "Paris"}}, {"name": "search", "arguments": {"query": "hotels"}}]',
    'get_weather {"city":"Paris"}',
    'search {"query":"hotels"}',
  ],
  [
    "SGLang: json_with_parameters_key",
    '[{"name": "get_weather", "parameters": {"city": "Madrid"}}]',
    'get_weather {"city":"Madrid"}',
  ],
  ["SGLang: empty_content", ""],
  [
    "SGLang: streaming_json_split_across_chunks",
    '{"name": "get_weather", "arguments": {"city": "Vienna"}}',
    'get_weather {"city":"Vienna"}',
  ],
  [
    "SGLang: multiline_string_argument",
    "[search(query='line one\nline two')]",
    raw`search {"query":"line one\nline two"}`,
  ],
  ["SGLang: nul_byte_in_string_argument", "[search(query='printf a\0b')]", raw`search {"query":"printf a\u0000b"}`],
  ["SGLang: nested_quotes", "[search(query='sed -n '360,450p' f.py')]", `search {"query":"sed -n '360,450p' f.py"}`],
  [
    "SGLang: ambiguous_nested_quotes; a problem, where SGLang drops the call",
    "[get_weather(city='echo 'hi', unit='celsius')]",
    `get_weather {"city":"echo 'hi","unit":"celsius"} !city`,
  ],
  ["SGLang: reserved_keyword_parameter", "[search(query='M.md', from=1)]", 'search {"query":"M.md","from":1}'],
  [
    "SGLang: zero_padded_int; a problem, unless a schema says that it is a number",
    "[get_weather(city='NYC', day=07)]",
    'get_weather {"city":"NYC","day":7} !day',
  ],
  ["SGLang: explicit_positive_number", "[search(query='x', limit=+7)]", 'search {"query":"x","limit":7}'],
  ["SGLang: set_argument", "[search(query={'a', 'b'})]", 'search {"query":["a","b"]}'],
  ["SGLang: constant_fstring_argument", "[search(query=f'hello')]", 'search {"query":"hello"}'],
  [
    "SGLang: bytes_argument; a problem, where SGLang drops the call",
    "[get_weather(city='SF'), search(query=b'z')]",
    'get_weather {"city":"SF"}',
    'search {"query":"z"} !query',
  ],
  [
    "SGLang: non_finite_number; a problem, where SGLang drops the call",
    "[search(query='x', limit=1e999)]",
    'search {"query":"x","limit":1e999} !limit',
  ],
  ["SGLang: kwargs_unpack", "[search(**{'query': 'x'}, limit=2)]", 'search {"query":"x","limit":2}'],
  ["SGLang: kwargs_unpack of a list", "[search(**[1, 2])]", "«[search(**[1, 2])]»"],
  [
    "SGLang: positional_argument_call; a problem, where SGLang drops the call",
    "[search(query='x'), get_weather('Paris', unit='celsius')]",
    'search {"query":"x"}',
    'get_weather {"arg0":"Paris","unit":"celsius"} !arg0',
  ],
  [
    "SGLang: good_call_survives_unparsable_block; the other has a problem, where SGLang drops it",
    "[search(query='ok'), get_weather(city='x 'y', unit='c')]",
    'search {"query":"ok"}',
    `get_weather {"city":"x 'y","unit":"c"} !city`,
  ],
  [
    "SGLang: swallowing_reading",
    "[search(query='x 'y'), get_weather(city='p 'q')]",
    `search {"query":"x 'y"}`,
    `get_weather {"city":"p 'q"}`,
  ],
  [
    "SGLang: unrecoverable_block",
    "[search(query='x 'y' 'z), get_weather(city='p 'q' 'r)]",
    "«[search(query='x 'y' 'z), get_weather(city='p 'q' 'r)]»",
  ],
  [
    "SGLang: reserved_kwarg_suffix_parameter",
    "[search(query='x', in_pyreservedkw_=5)]",
    'search {"query":"x","in_pyreservedkw_":5}',
  ],
  [
    "SGLang: reserved_kwarg_with_nested_quote",
    "[search(from='sed -n '1,5p' f.py')]",
    `search {"from":"sed -n '1,5p' f.py"}`,
  ],
  ["llama.cpp: single call", "[special_function(arg1=1)]", 'special_function {"arg1":1}'],
  ["llama.cpp: string argument", '[get_time(city="XYZCITY")]', 'get_time {"city":"XYZCITY"}'],
  ["llama.cpp: True", "[toggle(enabled=True)]", 'toggle {"enabled":true}'],
  ["llama.cpp: None", "[set_nullable(value=None)]", 'set_nullable {"value":null}'],
  [
    "llama.cpp: nested literals",
    '[set_config(config={"enabled": True, "count": 3})]',
    'set_config {"config":{"enabled":true,"count":3}}',
  ],
  [
    "llama.cpp: JSON's literals",
    '[set_config(config={"enabled": true, "note": null})]',
    'set_config {"config":{"enabled":true,"note":null}}',
  ],
  [
    "llama.cpp: dotted name with structured arguments",
    '[Calendar.create_event(title="demo", participants=["Alice", "Bob"], metadata={"priority": "high", "reminder": true})]',
    'Calendar.create_event {"title":"demo","participants":["Alice","Bob"],"metadata":{"priority":"high","reminder":true}}',
  ],
  [
    "llama.cpp: code over several lines",
    raw`[python(code="def hello():\n    print('hey')")]`,
    raw`python {"code":"def hello():\n    print('hey')"}`,
  ],
  [
    "llama.cpp: escapes",
    raw`[python(code="First line\nSecond line\tindented")]`,
    raw`python {"code":"First line\nSecond line\tindented"}`,
  ],
  ["llama.cpp: escaped quotes", raw`[python(code="print(\"hi\")")]`, raw`python {"code":"print(\"hi\")"}`],
  [
    "llama.cpp: parallel calls",
    "[special_function(arg1=1), special_function_with_opt(arg1=1, arg2=2)]",
    'special_function {"arg1":1}',
    'special_function_with_opt {"arg1":1,"arg2":2}',
  ],
  [
    "llama.cpp: partial call; without its value the argument is left out, with a problem",
    "[special_function(arg1=",
    "special_function {} !",
  ],
  ["llama.cpp: empty arguments", "[empty_args()]", "empty_args {}"],
];

/** Whole answers: [title, answer, content, calls]. */
export const otherParsersAnswers: readonly (readonly [
  title: string,
  answer: string,
  content: string,
  calls: number,
])[] = [
  ["vLLM: no_tool_call", "How can I help you today?", "How can I help you today?", 0],
  [
    "vLLM: content_after_tool_call; space around content is kept",
    "<|tool_call_start|>[f(a='1')]<|tool_call_end|>\nChecking the current status.",
    "\nChecking the current status.",
    1,
  ],
  [
    "vLLM: leading_block_and_trailing",
    "Let me check. <|tool_call_start|>[f(a='1')]<|tool_call_end|>\nDone.",
    "Let me check. \nDone.",
    1,
  ],
  [
    "vLLM: echoed_tool_call_body",
    "<|tool_call_start|>[g.f(a=[{'k': '2'}], b='123 Main St')]<|tool_call_end|>[g.f(a=[{'k': '2'}], b='123 Main St')]<|tool_call_end|>",
    "",
    1,
  ],
  [
    "SGLang: multiple_blocks; text between them is kept",
    '<|tool_call_start|>[f(a="Paris")]<|tool_call_end|> Some text <|tool_call_start|>[g(q="food")]<|tool_call_end|>',
    " Some text ",
    2,
  ],
  [
    "SGLang: no_tool_call",
    "This is just regular text without any tool calls.",
    "This is just regular text without any tool calls.",
    0,
  ],
  [
    "SGLang: unknown_function; it is reported, where SGLang drops it",
    '<|tool_call_start|>[unknown_function(arg="value")]<|tool_call_end|>',
    "",
    1,
  ],
  [
    "llama.cpp: markdown links",
    "Use this format: [link text](url). Example: [Wikipedia](https://www.wikipedia.org).",
    "Use this format: [link text](url). Example: [Wikipedia](https://www.wikipedia.org).",
    0,
  ],
  [
    "llama.cpp: content before a call",
    'Let me check the time.<|tool_call_start|>[get_time(city="Paris")]<|tool_call_end|>',
    "Let me check the time.",
    1,
  ],
  [
    "llama.cpp: reasoning and a call",
    "<think>I'm\nthinking</think><|tool_call_start|>[f(a=1)]<|tool_call_end|>",
    "",
    1,
  ],
];
