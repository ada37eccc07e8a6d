//! The one integration-test binary: each module tests one part against real servers.
