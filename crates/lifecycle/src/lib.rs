//! Composes the engines: plan, assess, gate, release, deploy, observe, recall, feed back.
