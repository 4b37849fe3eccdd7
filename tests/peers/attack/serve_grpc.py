"""serve_grpc.py PORT [--raw] [--tls CERTIFICATE KEY]: a scikit-learn model behind the Open Inference Protocol over gRPC.

The server is grpcio's and the messages are protobuf's own, made at run time from the field numbers of the published
protocol. Serves model.joblib as model `model`: pixels as UINT8 (0 to 16), their offset as INT64, one for each row, which
is taken off again. With --raw it answers in raw_output_contents; otherwise in typed lists. Prints `ready` once it listens.
"""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import joblib
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto
TEXT, BOOL, INT32, INT64, UINT32, UINT64, FLOAT, DOUBLE, BYTES = (
    F.TYPE_STRING, F.TYPE_BOOL, F.TYPE_INT32, F.TYPE_INT64, F.TYPE_UINT32, F.TYPE_UINT64, F.TYPE_FLOAT, F.TYPE_DOUBLE,
    F.TYPE_BYTES)
CONTENTS = [("bool_contents", BOOL), ("int_contents", INT32), ("int64_contents", INT64), ("uint_contents", UINT32),
            ("uint64_contents", UINT64), ("fp32_contents", FLOAT), ("fp64_contents", DOUBLE), ("bytes_contents", BYTES)]
# Message: field number, name, type or message, repeated.
TENSOR = [(1, "name", TEXT, 0), (2, "datatype", TEXT, 0), (3, "shape", INT64, 1)]
MODEL = [(1, "name", TEXT, 0), (2, "version", TEXT, 0)]
MESSAGES = {
    "Empty": [],
    "Ready": [(1, "ready", BOOL, 0)],
    "Model": MODEL,
    "TensorMetadata": TENSOR,
    "ModelMetadata": [(1, "name", TEXT, 0), (2, "versions", TEXT, 1), (3, "platform", TEXT, 0),
                      (4, "inputs", "TensorMetadata", 1), (5, "outputs", "TensorMetadata", 1)],
    "Contents": [(number, name, kind, 1) for number, (name, kind) in enumerate(CONTENTS, 1)],
    "Tensor": [*TENSOR, (5, "contents", "Contents", 0)],
    "Request": [(1, "model_name", TEXT, 0), (2, "model_version", TEXT, 0), (3, "id", TEXT, 0), (5, "inputs", "Tensor", 1),
                (6, "outputs", "TensorMetadata", 1), (7, "raw_input_contents", BYTES, 1)],
    "Response": [(1, "model_name", TEXT, 0), (2, "model_version", TEXT, 0), (3, "id", TEXT, 0), (5, "outputs", "Tensor", 1),
                 (6, "raw_output_contents", BYTES, 1)],
}
file = descriptor_pb2.FileDescriptorProto(name="oip.proto", package="oip", syntax="proto3")
for name, fields in MESSAGES.items():
    message = file.message_type.add(name=name)
    for number, field, kind, repeated in fields:
        label = F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL
        added = message.field.add(name=field, number=number, label=label)
        if isinstance(kind, str):
            added.type, added.type_name = F.TYPE_MESSAGE, f".oip.{kind}"
        else:
            added.type = kind
pool = descriptor_pool.DescriptorPool()
pool.Add(file)
make = {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"oip.{name}")) for name in MESSAGES}

model = joblib.load("model.joblib")
LISTS = {"UINT8": ("uint_contents", np.uint8), "INT64": ("int64_contents", np.int64)}


def known(request, context):
    if request.name != "model" or request.version not in ("", "1"):
        context.abort(grpc.StatusCode.NOT_FOUND, f"no model {request.name} {request.version}")


def ready(request, context):
    if isinstance(request, make["Model"]):
        known(request, context)
    return make["Ready"](ready=True)


def metadata(request, context):
    known(request, context)
    tensor = make["TensorMetadata"]
    return make["ModelMetadata"](
        name="model", versions=["1"], platform="sklearn",
        inputs=[tensor(name="pixels", datatype="UINT8", shape=[-1, 64]),
                tensor(name="offset", datatype="INT64", shape=[-1, 1])],
        outputs=[tensor(name="scores", datatype="FP64", shape=[-1, 10]), tensor(name="label", datatype="INT64", shape=[-1])])


def infer(request, context):
    if dict(context.invocation_metadata()).get("authorization") != "Bearer peers":
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "who are you?")
    given = {}
    for tensor in request.inputs:
        field, kind = LISTS[tensor.datatype]
        given[tensor.name] = np.array(getattr(tensor.contents, field)).astype(kind).reshape(list(tensor.shape))
    # What was added to a row before it was sent is known to go with it.
    rows = (given["pixels"].astype(np.int64) - given["offset"]).astype(np.float32) / 16
    answers = {"scores": ("FP64", "fp64_contents", model.predict_proba(rows)),
               "label": ("INT64", "int64_contents", model.predict(rows).astype(np.int64))}
    wanted = [output.name for output in request.outputs] or list(answers)
    response = make["Response"](model_name="model", model_version="1")
    for name in wanted:
        datatype, field, values = answers[name]
        output = response.outputs.add(name=name, datatype=datatype, shape=values.shape)
        if "--raw" in sys.argv:
            response.raw_output_contents.append(np.ascontiguousarray(values).tobytes())
        else:
            getattr(output.contents, field).extend(values.ravel().tolist())
    return response


def method(serve, request):
    return grpc.unary_unary_rpc_method_handler(
        serve, request_deserializer=make[request].FromString, response_serializer=lambda m: m.SerializeToString())


server = grpc.server(ThreadPoolExecutor(4))
server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("inference.GRPCInferenceService", {
    "ServerReady": method(ready, "Empty"), "ModelReady": method(ready, "Model"),
    "ModelMetadata": method(metadata, "Model"), "ModelInfer": method(infer, "Request")})])
address = f"127.0.0.1:{sys.argv[1]}"
if "--tls" in sys.argv:
    certificate, key = (open(path, "rb").read() for path in sys.argv[sys.argv.index("--tls") + 1:][:2])
    server.add_secure_port(address, grpc.ssl_server_credentials([(key, certificate)]))
else:
    server.add_insecure_port(address)
server.start()
print("ready", flush=True)
server.wait_for_termination()
