//! Several statements that happen together or not at all.

use crate::store::backend::Connection;
use crate::store::error::StoreError;

/// A connection with a transaction that is not ended yet.
///
/// Dropped like this, as when the caller is cancelled between two statements, the connection is closed, which takes the
/// transaction back. Given back to its pool it would keep the transaction, with its locks, until somebody took it out.
struct Open(Option<Connection>);

impl Open {
    fn connection(&mut self) -> &mut Connection {
        self.0.as_mut().expect("is there until the transaction has ended")
    }

    /// Gives the connection back to its pool.
    fn end(mut self) {
        drop(self.0.take());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            connection.close();
        }
    }
}

/// Runs `work` in a transaction, which an error of `work` takes back. Transactions do not nest.
pub(super) async fn run<T>(
    connection: Connection,
    work: impl AsyncFnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut open = Open(Some(connection));
    open.connection().begin().await?;
    let outcome = work(open.connection()).await;
    match &outcome {
        Ok(_) => open.connection().commit().await?,
        // The error of the work matters more than one of taking it back, after which the connection is closed.
        Err(_) if open.connection().roll_back().await.is_err() => return outcome,
        Err(_) => {}
    }
    open.end();
    outcome
}
