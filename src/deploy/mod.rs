//! The pipeline that brings a commit live: steps that can run twice and be undone.
