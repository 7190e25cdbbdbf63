#!/usr/bin/env python3
"""Makes a language model of random weights for llama.cpp: make_model.py FILE

A Llama of two layers, 0.4 million weights. Its tokens are bytes, so a prompt has as many as it is long.
Needs python3-gguf.
"""
import sys

import gguf
import numpy

WIDTH, INNER, LAYERS, HEADS, CONTEXT = 128, 384, 2, 4, 16384
SPECIAL = [(b"<unk>", gguf.TokenType.UNKNOWN), (b"<s>", gguf.TokenType.CONTROL),
           (b"</s>", gguf.TokenType.CONTROL)]
TEMPLATE = "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}<assistant>"


def add_tokens(model):
    tokens = SPECIAL + [(b"<0x%02X>" % byte, gguf.TokenType.BYTE) for byte in range(256)]
    model.add_tokenizer_model("llama")
    model.add_token_list([text for text, _ in tokens])
    model.add_token_scores([0.0] * len(tokens))
    model.add_token_types([kind for _, kind in tokens])
    model.add_bos_token_id(1)
    model.add_eos_token_id(2)
    model.add_unk_token_id(0)
    model.add_add_space_prefix(False)
    model.add_chat_template(TEMPLATE)
    return len(tokens)


def main():
    random = numpy.random.default_rng(1)
    model = gguf.GGUFWriter(sys.argv[1], "llama")
    vocabulary = add_tokens(model)
    model.add_vocab_size(vocabulary)
    model.add_context_length(CONTEXT)
    model.add_embedding_length(WIDTH)
    model.add_feed_forward_length(INNER)
    model.add_block_count(LAYERS)
    model.add_head_count(HEADS)
    model.add_head_count_kv(HEADS)
    model.add_rope_dimension_count(WIDTH // HEADS)
    model.add_layer_norm_rms_eps(1e-5)

    def add(name, *shape):
        model.add_tensor(name + ".weight", (random.standard_normal(shape) / 8).astype(numpy.float32))

    add("token_embd", vocabulary, WIDTH)
    add("output", vocabulary, WIDTH)
    add("output_norm", WIDTH)
    for layer in range(LAYERS):
        for name, *shape in (("attn_norm", WIDTH), ("ffn_norm", WIDTH), ("attn_q", WIDTH, WIDTH),
                             ("attn_k", WIDTH, WIDTH), ("attn_v", WIDTH, WIDTH),
                             ("attn_output", WIDTH, WIDTH), ("ffn_gate", INNER, WIDTH),
                             ("ffn_up", INNER, WIDTH), ("ffn_down", WIDTH, INNER)):
            add(f"blk.{layer}.{name}", *shape)
    model.write_header_to_file()
    model.write_kv_data_to_file()
    model.write_tensors_to_file()
    model.close()


if __name__ == "__main__":
    main()
