//! What DescribeAcls, CreateAcls and DeleteAcls have in common. The codes of types, operations and permissions are passed on as they
//! are: brokers know more of them from version to version.

use super::{DecodeError, Reader, VersionRange, Writer};

/// Versions that we speak. 1 = patterns, 3 = users as resources.
pub const VERSIONS: VersionRange = VersionRange { min: 1, max: 3 };
/// First flexible version.
pub const FIRST_FLEXIBLE: i16 = 2;

/// One rule: who may do what, from where, with which resource.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acl {
    /// 2 topic, 3 group, 4 cluster, …
    pub resource_type: i8,
    /// The resource, or the beginning of its name.
    pub resource_name: String,
    /// 3 literal, 4 prefixed.
    pub pattern_type: i8,
    /// `User:name`, or `User:*`.
    pub principal: String,
    /// An address, or `*`.
    pub host: String,
    /// 2 all, 3 read, 4 write, …
    pub operation: i8,
    /// 2 deny, 3 allow.
    pub permission_type: i8,
}

/// Which rules are meant. `None` = any.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct AclFilter {
    /// 1 any; else as in [`Acl`].
    pub resource_type: i8,
    /// The resource.
    pub resource_name: Option<String>,
    /// 1 any, 2 all that match the name; else as in [`Acl`].
    pub pattern_type: i8,
    /// Whose.
    pub principal: Option<String>,
    /// From where.
    pub host: Option<String>,
    /// 1 any; else as in [`Acl`].
    pub operation: i8,
    /// 1 any; else as in [`Acl`].
    pub permission_type: i8,
}

impl Acl {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.i8(self.resource_type);
        out.string(&self.resource_name);
        out.i8(self.pattern_type);
        out.string(&self.principal);
        out.string(&self.host);
        out.i8(self.operation);
        out.i8(self.permission_type);
    }

    pub(super) fn decode(input: &mut Reader) -> Result<Acl, DecodeError> {
        Ok(Acl {
            resource_type: input.i8()?,
            resource_name: input.string()?,
            pattern_type: input.i8()?,
            principal: input.string()?,
            host: input.string()?,
            operation: input.i8()?,
            permission_type: input.i8()?,
        })
    }
}

impl AclFilter {
    pub(super) fn encode(&self, out: &mut Writer) {
        out.i8(self.resource_type);
        out.nullable_string(&self.resource_name);
        out.i8(self.pattern_type);
        out.nullable_string(&self.principal);
        out.nullable_string(&self.host);
        out.i8(self.operation);
        out.i8(self.permission_type);
    }
}
