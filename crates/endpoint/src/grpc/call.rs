//! The calls of the service that an attack needs: is it ready, what is the model, what does it answer.

use std::path::Path;

use bytes::Bytes;
use proofhouse_artifact::protobuf::Message;

use super::channel::Channel;
use super::status::GrpcStatus;
use super::{GrpcAddress, message};
use crate::element::Fed;
use crate::model::Metadata;
use crate::tensor::Tensor;
use crate::{EndpointError, Key, Limits};

/// A model behind gRPC.
pub(crate) struct GrpcModel {
    channel: Channel,
}

impl GrpcModel {
    pub(crate) fn new(
        address: GrpcAddress,
        socket: Option<&Path>,
        key: Option<&Key>,
        limits: Limits,
    ) -> Result<Self, EndpointError> {
        Ok(Self { channel: Channel::new(address, socket, key, limits)? })
    }

    /// The address, for people.
    pub(crate) fn shown(&self) -> String {
        self.channel.address().shown()
    }

    /// Asks whether server and model are ready, and what the model takes. A server need not know how to say; then
    /// nothing is said.
    pub(crate) async fn describe(&self) -> Result<Metadata, EndpointError> {
        let model = || {
            let address = self.channel.address();
            message::of_model(&address.model, &address.version)
        };
        for (method, question, what) in
            [("ServerReady", Message::default(), "the server"), ("ModelReady", model(), "the model")]
        {
            match self.ask(method, question).await {
                Ok((bytes, _))
                    if !message::is_ready(&bytes).map_err(|error| self.within(method, error))? =>
                {
                    let message = format!("{what} says that it is not ready");
                    return Err(EndpointError::Grpc { status: GrpcStatus::UNAVAILABLE, message });
                }
                Ok(_) => {}
                Err(error) if error.is_unimplemented() => {}
                Err(error) => return Err(error),
            }
        }
        let (bytes, _) = self.ask("ModelMetadata", model()).await?;
        message::metadata(&bytes).map_err(|error| self.within("ModelMetadata", error))
    }

    /// Asks the model. Returns its outputs and the number of attempts.
    pub(crate) async fn infer(
        &self,
        inputs: &[Fed<'_>],
        output: Option<&str>,
    ) -> Result<(Vec<Tensor>, u32), EndpointError> {
        let address = self.channel.address();
        let question = message::infer(&address.model, &address.version, inputs, output);
        let (bytes, attempts) = self.ask("ModelInfer", question).await?;
        let outputs = message::answers(&bytes).map_err(|error| self.within("ModelInfer", error))?;
        Ok((outputs, attempts))
    }

    async fn ask(&self, method: &str, question: Message) -> Result<(Bytes, u32), EndpointError> {
        self.channel.call(method, &question.into_bytes()).await
    }

    fn within(&self, method: &str, error: EndpointError) -> EndpointError {
        EndpointError::Answer(self.channel.clean(&format!("{method}: {}", error.reason())))
    }
}
