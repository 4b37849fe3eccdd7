//! ONNX models behind one inference engine trait.
