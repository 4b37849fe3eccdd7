"""safetensors, GGUF, ONNX and Flax's msgpack, by their own libraries."""

import numpy as np


def make(corpus):
    rng = np.random.default_rng(corpus.seed)
    for part in (safetensors, gguf_files, onnx_files, flax):
        try:
            part(corpus, rng)
        except ImportError as missing:
            print(f"SKIP benign.tensors.{part.__name__}: {missing}")


def safetensors(corpus, rng):
    from safetensors.numpy import save_file

    path = lambda name: corpus.path("safetensors", name, "clean", "safetensors.numpy.save_file")
    save_file({"w": rng.normal(size=(64, 32)).astype(np.float32), "embedding": np.zeros((64, 32)), "scale": np.ones(1)}, path("plain.safetensors"))
    save_file({"w": np.zeros((64, 32), np.float32), "b": np.zeros(32, np.float16)}, path("header-128.safetensors"))
    save_file({"w": np.zeros((0, 2), np.float32)}, path("empty-tensor.safetensors"))
    save_file({"ids": np.arange(9), "mask": np.ones(3, bool)}, path("metadata.safetensors"), metadata={"format": "np", "note": "eval(os.system)"})
    save_file({f"model.layers.{i}.mlp.weight": rng.normal(size=(16, 16)).astype(np.float32) for i in range(12)}, path("layers.safetensors"), metadata={"format": "pt"})
    save_file({"bytes": rng.integers(0, 256, 70_000).astype(np.uint8)}, path("random-bytes.safetensors"))


def gguf_files(corpus, rng):
    import gguf

    templates = {
        "plain": "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}",
        "llama": "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'user' %}[INST] {{ message['content'].strip() }} [/INST]{% else %}{{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}",
    }
    for label, template in templates.items():
        path = corpus.path("gguf", f"{label}.gguf", "clean", "gguf.GGUFWriter")
        writer = gguf.GGUFWriter(path, "llama")
        writer.add_context_length(512)
        writer.add_embedding_length(64)
        writer.add_block_count(1)
        writer.add_tokenizer_model("llama")
        writer.add_token_list(["<s>", "</s>", "a", "system", "eval("])
        writer.add_token_scores([0.0, 0.0, 1.0, 1.0, 1.0])
        writer.add_token_types([3, 3, 1, 1, 1])
        writer.add_chat_template(template)
        writer.add_tensor("a.weight", rng.random((8, 32), dtype=np.float32))
        writer.add_tensor("b.weight", rng.random((7, 32)).astype(np.float16))
        blocks = gguf.quants.quantize(rng.random((8, 64), dtype=np.float32), gguf.GGMLQuantizationType.Q8_0)
        writer.add_tensor("q.weight", blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()


def onnx_files(corpus, rng):
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    save = lambda model, name: onnx.save(model, corpus.path("onnx", name, "clean", "onnx.save"))
    weights = numpy_helper.from_array(rng.normal(size=(4, 3)).astype(np.float32), "w")
    x, y = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 4]), helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    model = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [weights], doc_string="two layers, see https://example.test/eval"))
    model.metadata_props.add(key="author", value="nobody")
    save(model, "small.onnx")
    save(onnx.shape_inference.infer_shapes(model), "with-shapes.onnx")
    then = helper.make_graph([helper.make_node("Identity", ["x"], ["t"])], "then", [], [helper.make_empty_tensor_value_info("t")])
    other = helper.make_graph([helper.make_node("Neg", ["x"], ["e"])], "else", [], [helper.make_empty_tensor_value_info("e")])
    branch = helper.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other)
    z = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 4])
    save(helper.make_model(helper.make_graph([branch], "g", [x, helper.make_tensor_value_info("c", TensorProto.BOOL, [])], [z])), "branch.onnx")
    constant = helper.make_node("Constant", [], ["y"], value=numpy_helper.from_array(np.arange(6, dtype=np.int64), "i"))
    save(helper.make_model(helper.make_graph([constant], "g", [], [helper.make_tensor_value_info("y", TensorProto.INT64, [6])])), "constant.onnx")
    try:
        from skl2onnx import to_onnx
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.linear_model import LogisticRegression

        data, target = rng.normal(size=(40, 4)).astype(np.float32), rng.integers(0, 2, 40)
        for name, estimator in {"logistic": LogisticRegression(), "forest": RandomForestClassifier(3)}.items():
            save(to_onnx(estimator.fit(data, target), data[:1]), f"sklearn-{name}.onnx")
    except ImportError:
        pass


def flax(corpus, rng):
    """As flax.serialization.msgpack_serialize writes: extension 1 is an array of shape, type and bytes."""
    import msgpack

    def array(value):
        return msgpack.ExtType(1, msgpack.packb((value.shape, value.dtype.name, value.tobytes())))

    tree = {"params": {"dense": {"kernel": array(rng.normal(size=(4, 3)).astype(np.float32)), "bias": array(np.zeros(3, np.float32))}}, "step": 3}
    corpus.benign("flax", "model.msgpack", msgpack.packb(tree), "the layout of flax.serialization")
