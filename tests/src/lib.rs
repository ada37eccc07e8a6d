//! The local stack's parts and the helpers of the integration tests: doubles, Postgres, a Lambda Runtime API.
