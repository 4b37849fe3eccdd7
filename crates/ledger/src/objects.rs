//! Documents by the digest of their content: evidence envelopes, certificates, whatever is too large for
//! a leaf. They cannot be derived from leaves; a leaf only says which bytes they must be.

use proofhouse_core::Digest;
use sea_orm::ActiveValue::Set;
use sea_orm::EntityTrait as _;
use sea_orm::sea_query::OnConflict;

use crate::entity::object;
use crate::error::LedgerError;
use crate::ledger::Ledger;

/// The most bytes an object may have: 64 MiB.
pub const MAX_OBJECT_BYTES: usize = 64 << 20;

impl Ledger {
    /// Stores `content` and returns its digest. Storing the same twice is storing it once.
    pub async fn put_object(&self, content: &[u8]) -> Result<Digest, LedgerError> {
        if content.len() > MAX_OBJECT_BYTES {
            return Err(LedgerError::ObjectTooLarge { bytes: content.len() });
        }
        let digest = Digest::of(content);
        let row = object::ActiveModel { digest: Set(digest.to_string()), content: Set(content.to_vec()) };
        let mut keep = OnConflict::column(object::Column::Digest);
        keep.do_nothing();
        let written =
            object::Entity::insert(row).on_conflict(keep).exec_without_returning(&self.db.connection).await;
        written.map_err(|e| self.db.error(e))?;
        Ok(digest)
    }

    /// The object with this digest. Content that has another digest is an error, not an object.
    pub async fn get_object(&self, digest: &Digest) -> Result<Option<Vec<u8>>, LedgerError> {
        let row = object::Entity::find_by_id(digest.to_string()).one(&self.db.connection).await;
        let Some(row) = row.map_err(|e| self.db.error(e))? else { return Ok(None) };
        let found = Digest::of(&row.content);
        if found != *digest {
            return Err(self.db.row("objects", digest, format!("its content has the digest {found}")));
        }
        Ok(Some(row.content))
    }
}
