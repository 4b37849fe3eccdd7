//! The product as people meet it: the real binary, real processes, real sockets.
//!
//! One test program, so that its tests share the machine's cores; one file per question: what a whole life
//! leaves behind ([`life`]), what happens when the input is bad ([`bad_system`], [`bad_model`],
//! [`bad_data`], [`bad_home`]) or a run is disturbed ([`interrupted`]), what a deployment and its recall do
//! to callers ([`deploy`]), what the guard says of texts and answers ([`guard`]), and what each verb says by
//! itself ([`commands`]).

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may panic like the tests"
)]

mod assistant;
mod bad_data;
mod bad_home;
mod bad_model;
mod bad_system;
mod commands;
mod deploy;
mod guard;
mod interrupted;
mod life;
mod scene;
mod table;
