//! The tables that are the ledger itself. Nothing here can be recreated from anything else, except
//! `nodes` and `leaves.hash`, which verification recomputes.

/// The leaves.
pub mod leaf {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "leaves")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        /// Copy of a field of the leaf, for its index.
        #[sea_orm(column_type = "Text", indexed)]
        pub kind: String,
        /// Copy of a field of the leaf, for its index.
        #[sea_orm(column_type = "Text", nullable, indexed)]
        pub subject: Option<String>,
        /// Canonical JSON.
        #[sea_orm(column_type = "Blob")]
        pub leaf: Vec<u8>,
        /// SHA-256(0x00 ‖ leaf).
        #[sea_orm(column_type = "Blob")]
        pub hash: Vec<u8>,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The complete nodes above the leaves.
pub mod node {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "nodes")]
    pub struct Model {
        /// Height above the leaves, from 1.
        #[sea_orm(primary_key, auto_increment = false)]
        pub level: i32,
        /// Position in its level, from 0.
        #[sea_orm(primary_key, auto_increment = false)]
        pub position: i64,
        /// SHA-256(0x01 ‖ left ‖ right).
        #[sea_orm(column_type = "Blob")]
        pub hash: Vec<u8>,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The signed checkpoints, one per append.
pub mod checkpoint {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "checkpoints")]
    pub struct Model {
        /// Number of leaves.
        #[sea_orm(primary_key, auto_increment = false)]
        pub size: i64,
        /// The signed note.
        #[sea_orm(column_type = "Text")]
        pub note: String,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Documents that leaves name by digest.
pub mod object {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "objects")]
    pub struct Model {
        /// SHA-256 of the content.
        #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
        pub digest: String,
        /// The document.
        #[sea_orm(column_type = "Blob")]
        pub content: Vec<u8>,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What the ledger is: schema version, origin, verifier key.
pub mod meta {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "ledger_meta")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false, column_type = "Text")]
        pub name: String,
        #[sea_orm(column_type = "Text")]
        pub content: String,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
