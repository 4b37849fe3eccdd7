"""client.py ADDRESS EXAMPLE DIGEST [PREFIX]: speaks Open Inference Protocol V2 with NVIDIA's client and compares with ONNX Runtime.

EXAMPLE is the folder of the cheque reader, whose test rows are sent.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow.parquet as parquet
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

NAME = "cheque-digits"
TOLERANCE = 1e-4
ROWS = 100


def images(example):
    """Test rows as the system file describes them: columns p00 to p63, counts up to 16."""
    table = parquet.read_table(example / "data" / "test.parquet")
    columns = [table[f"p{n:02d}"].to_numpy() for n in range(64)]
    rows = np.stack(columns, axis=1).astype(np.float32)[:ROWS] / 16
    return rows.reshape(-1, 1, 8, 8), table["label"].to_numpy()[:ROWS]


def request(rows, name="x"):
    tensor = triton.InferInput(name, list(rows.shape), "FP32")
    tensor.set_data_from_numpy(rows, binary_data=False)
    return [tensor]


def wanted():
    return [triton.InferRequestedOutput("logits", binary_data=False)]


def refused(call):
    """What the server says to a request that it must not answer."""
    try:
        call()
    except InferenceServerException as error:
        return str(error)
    return None


def main(address, example, digest, prefix=""):
    example = Path(example)
    client = triton.InferenceServerClient(address, connection_timeout=10, network_timeout=30)
    rows, labels = images(example)
    session = onnxruntime.InferenceSession(example / "model" / f"{NAME}.onnx", providers=["CPUExecutionProvider"])
    theirs = session.run(["logits"], {"x": rows})[0]

    def logits(batch):
        return client.infer(NAME, request(batch), outputs=wanted()).as_numpy("logits")

    def agrees():
        ours = logits(rows)
        one_by_one = np.concatenate([logits(rows[i : i + 1]) for i in range(5)])
        assert ours.shape == theirs.shape and ours.dtype == np.float32, (ours.shape, ours.dtype)
        apart = max(np.abs(ours - theirs).max(), np.abs(one_by_one - theirs[:5]).max())
        assert apart <= TOLERANCE, f"apart by {apart}"
        right = int((ours.argmax(axis=1) == labels).sum())
        assert right >= 0.9 * len(labels), f"only {right} of {len(labels)} labels"
        return f"{len(rows)} rows, apart by at most {apart:.1e}, {right} labels right"

    def metadata():
        said = client.get_model_metadata(NAME)
        assert said["name"] == NAME and said["platform"], said
        assert [i["name"] for i in said["inputs"]] == ["x"] and said["inputs"][0]["datatype"] == "FP32", said
        assert [o["name"] for o in said["outputs"]] == ["logits"], said
        assert said["parameters"]["proofhouse_model_digest"] == digest, said

    def versions():
        assert client.is_model_ready(NAME, "1") and not client.is_model_ready(NAME, "2")
        assert not client.is_model_ready("nothing")

    def every_output():
        # Without a list of outputs the client asks for binary ones; JSON is an answer it must take.
        answer = client.infer(NAME, request(rows[:2]), request_id="r-1")
        assert np.abs(answer.as_numpy("logits") - theirs[:2]).max() <= TOLERANCE
        assert answer.get_response()["id"] == "r-1", answer.get_response()

    def refusals():
        binary = triton.InferInput("x", [1, 1, 8, 8], "FP32")
        binary.set_data_from_numpy(rows[:1], binary_data=True)
        shape = triton.InferInput("x", [1, 64], "FP32")
        shape.set_data_from_numpy(rows[:1].reshape(1, 64), binary_data=False)
        for what, inputs in {"binary": [binary], "shape": [shape], "name": request(rows[:1], "y"), "twice": request(rows[:1]) * 2}.items():
            said = refused(lambda inputs=inputs: client.infer(NAME, inputs, outputs=wanted()))
            assert said, f"{what} is answered"
            assert logits(rows[:1]) is not None, f"{what} broke the server"

    checks = {
        "tritonclient: server live and ready": lambda: assert_all(client.is_server_live(), client.is_server_ready()),
        "tritonclient: server metadata": lambda: assert_all(client.get_server_metadata()["name"] == "proofhouse"),
        "tritonclient: model ready, by version, others not": lambda: assert_all(client.is_model_ready(NAME)) or versions(),
        "tritonclient: model metadata with the digest": metadata,
        "ONNX Runtime and the server agree": agrees,
        "tritonclient: every output, request id": every_output,
        "tritonclient: what it cannot read is refused": refusals,
    }
    failed = 0
    for what, check in checks.items():
        try:
            detail = check()
            print(f"PASS {prefix}{what}" + (f" ({detail})" if detail else ""))
        except Exception as error:  # Whatever goes wrong is a failed check, and the others still run.
            print(f"FAIL {prefix}{what}\n     {type(error).__name__}: {error}")
            failed = 1
    return failed


def assert_all(*facts):
    assert all(facts), facts


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
