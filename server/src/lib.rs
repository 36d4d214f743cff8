//! cordwood-server as a library, so that tests can start the real thing.
