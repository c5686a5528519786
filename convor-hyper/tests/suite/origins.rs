//! origins
