//! What may not leave.
