//! From a build plan and a tree to an image, by BuildKit.
