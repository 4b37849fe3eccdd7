//! Anthropic's messages, as the official Python client 2.14 types them.
//!
//! Read here: text, image, document, search result, tool use, tool result and thinking blocks; tools with
//! an input schema. Refused with a hint: tools that run at the provider, because nothing would see what
//! they bring into the context.

pub(crate) mod compose;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stream;
