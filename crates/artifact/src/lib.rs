//! Bytes of a model: walking directories, the model digest, format detection, metadata of ONNX, safetensors and pickle containers.
