//! The HTTP front door of the deployed apps. It never opens the database.
