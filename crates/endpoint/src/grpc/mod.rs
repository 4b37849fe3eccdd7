//! The Open Inference Protocol V2 over gRPC: the service `inference.GRPCInferenceService`.
//!
//! HTTP/2 is hyper's; what gRPC adds to it for calls of one message each way is five bytes, two headers and a trailer
//! (gRPC over HTTP2, "Requests", "Responses"), and is written here. So are the messages, over the protobuf reader that
//! scans models: it allocates nothing for what it does not know, where generated types take whatever comes. A stack of
//! generated code (tonic, prost, tower) would be two dozen crates for four calls; this is `h2`.

mod address;
mod call;
mod channel;
mod greeting;
mod message;
mod status;

pub(crate) use address::GrpcAddress;
pub(crate) use call::GrpcModel;
pub use status::GrpcStatus;
