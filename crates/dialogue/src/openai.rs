//! OpenAI's chat completions, as the official Python client 3.57 types them.
//!
//! Read here: system, developer, user, assistant and tool messages; text, image, audio and file parts;
//! function tools. Refused with a hint: the deprecated `functions`, custom tools, predicted output (it is
//! text that nothing would check).

pub(crate) mod compose;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod stream;
