//! Embedded model server: Open Inference Protocol V2 over ONNX, proving at load which digest it serves.
