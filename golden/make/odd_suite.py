"""A suite for make_golden.py: one model in which no number is what runtimes take for granted, small enough for any CI."""
LENS = [1, 9, 24]
MODELS = {
  "moe-odd": M(hidden_size=96, intermediate_size=160, moe_intermediate_size=32, num_hidden_layers=5, layer_types=types(5,{1,4}), num_attention_heads=3, num_key_value_heads=1, num_experts=10, num_experts_per_tok=3, num_dense_layers=1, vocab_size=331, norm_eps=3.7e-3, norm_topk_prob=True, routed_scaling_factor=1.7, use_expert_bias=True, conv_L_cache=4, rope_parameters={"rope_type":"default","rope_theta":4321.0}, max_position_embeddings=777),
}
