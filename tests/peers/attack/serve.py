"""serve.py [--lines | --labels]: a scikit-learn model behind the Open Inference Protocol, by the standard library alone.

Serves model.joblib on localhost:$PORT as model `model`, with probabilities. With --labels it answers with classes; with
--lines it reads requests from standard input, one a line, and writes answers likewise.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import joblib
import numpy as np

model = joblib.load("model.joblib")
labels_only = "--labels" in sys.argv or "--lines" in sys.argv
features = model.n_features_in_


def infer(request):
    tensor = request["inputs"][0]
    rows = np.asarray(tensor["data"], dtype=np.float32).reshape(tensor["shape"])
    if labels_only:
        name, kind, values = "predict", "INT64", model.predict(rows)
    else:
        name, kind, values = "predict_proba", "FP64", model.predict_proba(rows)
    output = {"name": name, "datatype": kind, "shape": list(values.shape), "data": values.ravel().tolist()}
    return {"model_name": "model", "outputs": [output]}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        outputs = [{"name": "predict_proba", "datatype": "FP64", "shape": [-1, len(model.classes_)]}]
        inputs = [{"name": "x", "datatype": "FP32", "shape": [-1, features]}]
        self.answer(200, {"name": "model", "platform": "sklearn", "inputs": inputs, "outputs": outputs})

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, infer(request))

    def log_message(self, *_):
        pass


if "--lines" in sys.argv:
    for line in sys.stdin:
        print(json.dumps(infer(json.loads(line))), flush=True)
else:
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
