//! The addon: JavaScript values in, engine calls, data out. It converts and decides nothing; defaults and validation
//! beyond types live in the facade. The contract with it is `src/native.d.ts`.
//!
//! Nothing here runs per message. User code is only ever called by the facade, never from here.

mod admin;
mod answers;
mod callback;
mod client;
mod consumer;
mod events;
mod failure;
mod health;
mod memory;
mod openssl;
mod options;
mod panic;
mod producer;
mod promise;
mod teardown;
