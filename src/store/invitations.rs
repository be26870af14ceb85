//! Invitations to sign up.

use crate::model::id::{InvitationId, UserId};
use crate::model::invitation::Invitation;
use crate::model::name::Email;
use crate::model::time::{Timestamp, now};
use crate::store::Store;
use crate::store::backend::{Connection, on};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page, PageRequest};
use crate::store::schema::invitations;
use crate::store::types::StoredTime;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

/// An invitation to make.
#[derive(Debug, Clone)]
pub struct NewInvitation {
    /// Hash of what is sent to the invited.
    pub hash: String,
    pub email: Option<Email>,
    pub created_by: UserId,
    pub expires_at: Timestamp,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = invitations)]
struct InvitationRow {
    id: InvitationId,
    email: Option<Email>,
    created_by: Option<UserId>,
    expires_at: StoredTime,
    used_by: Option<UserId>,
    used_at: Option<StoredTime>,
    created_at: StoredTime,
}

impl From<InvitationRow> for Invitation {
    fn from(row: InvitationRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            created_by: row.created_by,
            expires_at: row.expires_at.into(),
            used_by: row.used_by,
            used_at: row.used_at.map(Into::into),
            created_at: row.created_at.into(),
        }
    }
}

impl Store {
    /// Makes an invitation.
    pub async fn create_invitation(&self, new: NewInvitation) -> Result<Invitation, StoreError> {
        let row = InvitationRow {
            id: InvitationId::generate(),
            email: new.email,
            created_by: Some(new.created_by),
            expires_at: new.expires_at.into(),
            used_by: None,
            used_at: None,
            created_at: StoredTime::now(),
        };
        let mut connection = self.write().await?;
        let insert = diesel::insert_into(invitations::table);
        let hash = invitations::hash.eq(new.hash);
        on!(connection, |c| insert.values((&row, hash)).execute(c).await)?;
        Ok(row.into())
    }

    /// Every invitation, newest first.
    pub async fn invitations(&self, page: PageRequest) -> Result<Page<Invitation>, StoreError> {
        let mut connection = self.read().await?;
        let rows: Vec<InvitationRow> = on!(connection, |c| {
            let mut query = invitations::table.select(InvitationRow::as_select()).into_boxed();
            if let Some(after) = page.after_id() {
                query = query.filter(invitations::id.lt(InvitationId::from_uuid(after)));
            }
            query.order(invitations::id.desc()).limit(page.rows()).load(c).await
        })?;
        let invitations = rows.into_iter().map(Invitation::from).collect();
        Ok(Page::from_rows(invitations, page, |invitation| Cursor::id(invitation.id.as_uuid())))
    }

    /// Removes an invitation, and answers with it: nobody signs up with it any more.
    pub async fn delete_invitation(&self, id: InvitationId) -> Result<Invitation, StoreError> {
        let mut connection = self.write().await?;
        let row: InvitationRow = on!(connection, |c| diesel::delete(invitations::table.find(id))
            .returning(InvitationRow::as_returning())
            .get_result(c)
            .await)?;
        Ok(row.into())
    }

    /// Whether an address could sign up now with the invitation that has a hash.
    pub async fn is_invited(&self, hash: &str, email: &Email) -> Result<bool, StoreError> {
        let mut connection = self.read().await?;
        let open = invitations::table
            .filter(invitations::hash.eq(hash))
            .filter(invitations::used_at.is_null())
            .filter(invitations::expires_at.gt(StoredTime(now())))
            .filter(invitations::email.is_null().or(invitations::email.eq(email)));
        Ok(on!(connection, |c| diesel::select(exists(open)).get_result(c).await)?)
    }
}

/// Takes an invitation for an account that is being made: of any number that come with it, one passes.
///
/// # Errors
/// [`StoreError::Stale`] when it is used, expired, removed or for another address.
pub(super) async fn accept(
    connection: &mut Connection,
    hash: &str,
    email: &Email,
    user_id: UserId,
) -> Result<(), StoreError> {
    let now = StoredTime::now();
    let open = invitations::table
        .filter(invitations::hash.eq(hash))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .filter(invitations::email.is_null().or(invitations::email.eq(email)));
    let used = (invitations::used_at.eq(now), invitations::used_by.eq(user_id));
    match on!(connection, |c| diesel::update(open).set(used).execute(c).await)? {
        0 => Err(StoreError::Stale),
        _ => Ok(()),
    }
}
