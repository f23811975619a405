//! The attributes of people and groups that Studio keeps (RFC 7643, sections 3.1, 4.1 and 4.2): what
//! `/Schemas` says, filters compare and PATCH changes. Those that are known and not kept are named, too: a
//! directory that sends them is not refused for it.

/// The type of an attribute (RFC 7643, section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    String,
    /// True or false.
    Boolean,
    /// An instant.
    DateTime,
    /// The address of another resource.
    Reference,
    /// Several attributes.
    Complex(&'static [Attribute]),
}

/// Who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mutability {
    /// Studio alone.
    ReadOnly,
    /// The directory.
    ReadWrite,
    /// The directory, once.
    Immutable,
}

/// An attribute (RFC 7643, section 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether there may be several.
    pub multi: bool,
    /// Whether there must be one.
    pub required: bool,
    /// Whether case counts in comparisons.
    pub case_exact: bool,
    /// Who may change it.
    pub mutability: Mutability,
    /// Whether no two resources of the directory may have the same.
    pub unique: bool,
    /// What it is.
    pub description: &'static str,
}

const fn text(name: &'static str, description: &'static str) -> Attribute {
    Attribute {
        name,
        kind: Kind::String,
        multi: false,
        required: false,
        case_exact: false,
        mutability: Mutability::ReadWrite,
        unique: false,
        description,
    }
}

impl Attribute {
    const fn of(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    const fn several(self) -> Self {
        Self { multi: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn exact(self) -> Self {
        Self { case_exact: true, ..self }
    }

    const fn unique(self) -> Self {
        Self { unique: true, ..self }
    }

    const fn read_only(self) -> Self {
        Self { mutability: Mutability::ReadOnly, ..self }
    }

    const fn immutable(self) -> Self {
        Self { mutability: Mutability::Immutable, ..self }
    }

    /// The attributes within it; none where it is a plain one.
    pub fn within(&self) -> &'static [Self] {
        match self.kind {
            Kind::Complex(within) => within,
            _ => &[],
        }
    }
}

/// What is provisioned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A person.
    User,
    /// A group.
    Group,
}

/// Attributes of every resource (RFC 7643, section 3.1).
static COMMON: [Attribute; 4] = [
    text("schemas", "The schemas of the resource.").several().exact().read_only(),
    text("id", "The id that Studio gave it.").exact().unique().read_only(),
    text("externalId", "The id that the directory gave it.").exact(),
    text("meta", "About the resource.").of(Kind::Complex(&META)).read_only(),
];

static META: [Attribute; 5] = [
    text("resourceType", "User or Group.").exact().read_only(),
    text("created", "When it was provisioned.").of(Kind::DateTime).read_only(),
    text("lastModified", "When the directory last changed it.").of(Kind::DateTime).read_only(),
    text("location", "Its address.").of(Kind::Reference).exact().read_only(),
    text("version", "What If-Match compares.").exact().read_only(),
];

static NAME: [Attribute; 3] = [
    text("formatted", "The whole name."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
];

static EMAILS: [Attribute; 3] = [
    text("value", "The address."),
    text("type", "What it is for, such as work."),
    text("primary", "Whether it is the one to use.").of(Kind::Boolean),
];

static GROUPS: [Attribute; 4] = [
    text("value", "The id of the group.").exact().read_only(),
    text("$ref", "Its address.").of(Kind::Reference).exact().read_only(),
    text("display", "What it is called.").read_only(),
    text("type", "Always direct.").read_only(),
];

static USER: [Attribute; 6] = [
    text("userName", "By what the directory knows the person.").required().unique(),
    text("name", "What they are called, in parts.").of(Kind::Complex(&NAME)),
    text("displayName", "What they are called."),
    text("emails", "E-mail addresses: the primary one, or else the one for work or the first one, is what they \
        sign in with.").of(Kind::Complex(&EMAILS)).several(),
    text("active", "Whether they may sign in.").of(Kind::Boolean),
    text("groups", "The groups that they are in.").of(Kind::Complex(&GROUPS)).several().read_only(),
];

static MEMBERS: [Attribute; 2] = [
    text("value", "The id of the person.").exact().immutable(),
    text("$ref", "Their address.").of(Kind::Reference).exact().immutable(),
];

static GROUP: [Attribute; 2] = [
    text("displayName", "What it is called.").required().unique(),
    text("members", "Who is in it.").of(Kind::Complex(&MEMBERS)).several(),
];

/// What RFC 7643 (section 4.1) names besides, of people and of which nothing is kept.
const NOT_KEPT: [&str; 11] = [
    "nickName",
    "profileUrl",
    "title",
    "userType",
    "preferredLanguage",
    "locale",
    "timezone",
    "phoneNumbers",
    "ims",
    "photos",
    "addresses",
];

/// Extensions of people of which nothing is kept (RFC 7643, section 4.3).
const EXTENSION: &str = "urn:ietf:params:scim:schemas:extension:";

impl Resource {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// `User` or `Group`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Where they are, as in `/scim/v2/Users`.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The name of its schema.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::User => "urn:ietf:params:scim:schemas:core:2.0:User",
            Self::Group => "urn:ietf:params:scim:schemas:core:2.0:Group",
        }
    }

    /// Its own attributes, without those that every resource has.
    pub fn own(self) -> &'static [Attribute] {
        match self {
            Self::User => &USER,
            Self::Group => &GROUP,
        }
    }

    /// The attribute of that name, in whatever case.
    pub fn attribute(self, name: &str) -> Option<&'static Attribute> {
        find(self.own(), name).or_else(|| find(&COMMON, name))
    }

    /// Whether a schema is its own, or an attribute is named without one.
    pub fn is_schema(self, schema: Option<&str>) -> bool {
        schema.is_none_or(|schema| schema.eq_ignore_ascii_case(self.schema()))
    }

    /// Whether an attribute is known, and nothing of it is kept.
    pub fn is_not_kept(self, schema: Option<&str>, name: &str) -> bool {
        let extension = schema.is_some_and(|schema| {
            schema.get(..EXTENSION.len()).is_some_and(|it| it.eq_ignore_ascii_case(EXTENSION))
        });
        let known = NOT_KEPT.iter().any(|it| it.eq_ignore_ascii_case(name));
        extension || self.is_schema(schema) && self == Self::User && known
    }
}

/// The attribute of that name among these, in whatever case.
pub fn find(among: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    among.iter().find(|it| it.name.eq_ignore_ascii_case(name))
}

/// Whether a path names an extension as a whole.
pub(crate) fn is_extension(schema: &str) -> bool {
    schema.get(..EXTENSION.len()).is_some_and(|it| it.eq_ignore_ascii_case(EXTENSION))
}
