# Suite for make_golden.py --suite: models whose contexts were stretched, run within and beyond the original context.
# Pairs of a head fall before, on and after YaRN's ramp: 32 or 64 positions at bases this small.
MODELS = {
  "moe-yarn":     M(hidden_size=64, intermediate_size=96, moe_intermediate_size=32, num_hidden_layers=3, layer_types=types(3,{0,2}), num_attention_heads=2, num_key_value_heads=1, num_experts=4, num_experts_per_tok=2, num_dense_layers=1, vocab_size=96, max_position_embeddings=128, rope_parameters={"rope_type":"yarn","rope_theta":100.0,"factor":4.0,"original_max_position_embeddings":32}),
  "dense-yarn":   dict(kind="dense", hidden_size=64, intermediate_size=96, num_hidden_layers=2, layer_types=types(2,{1}), num_attention_heads=2, num_key_value_heads=2, vocab_size=96, max_position_embeddings=128, block_auto_adjust_ff_dim=False, rope_parameters={"rope_type":"yarn","rope_theta":50.0,"factor":2.5,"original_max_position_embeddings":64,"beta_fast":4.0,"beta_slow":0.5,"mscale":0.7,"mscale_all_dim":0.3,"truncate":False}),
  "dense-linear": dict(kind="dense", hidden_size=64, intermediate_size=96, num_hidden_layers=2, layer_types=types(2,{0}), num_attention_heads=2, num_key_value_heads=2, vocab_size=96, max_position_embeddings=128, block_auto_adjust_ff_dim=False, rope_parameters={"rope_type":"linear","rope_theta":10000.0,"factor":3.0}),
}
LENS = [3, 17, 100]
