//! What the server says of itself (RFC 7643, sections 5 to 7; RFC 7644, section 4).

use serde_json::{Value, json};

use super::{
    MOST_BODY, MOST_ON_A_PAGE,
    attributes::{Attribute, Kind, Mutability, Resource},
    list,
};

const SCHEMA_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:Schema";
const TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// `/ServiceProviderConfig`, for a server at this address.
pub(super) fn config(base: &str) -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": { "supported": true },
        "bulk": { "supported": false, "maxOperations": 0, "maxPayloadSize": MOST_BODY },
        "filter": { "supported": true, "maxResults": MOST_ON_A_PAGE },
        "changePassword": { "supported": false },
        "sort": { "supported": true },
        "etag": { "supported": true },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "Token of the directory",
            "description": "The token that connectDirectory shows once, as Authorization: Bearer scm_….",
            "primary": true,
        }],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": format!("{base}/ServiceProviderConfig"),
        },
    })
}

fn resource_type(base: &str, resource: Resource) -> Value {
    json!({
        "schemas": [TYPE_SCHEMA],
        "id": resource.name(),
        "name": resource.name(),
        "endpoint": format!("/{}", resource.endpoint()),
        "description": match resource {
            Resource::User => "People of the organization whom the directory has provisioned.",
            Resource::Group => "Groups of the directory, which give roles.",
        },
        "schema": resource.schema(),
        "meta": {
            "resourceType": "ResourceType",
            "location": format!("{base}/ResourceTypes/{}", resource.name()),
        },
    })
}

/// `/ResourceTypes`.
pub(super) fn resource_types(base: &str) -> Value {
    let all: Vec<_> = Resource::ALL.iter().map(|it| resource_type(base, *it)).collect();
    list::response(all.len(), 1, all)
}

/// `/ResourceTypes/{name}`.
pub(super) fn one_resource_type(base: &str, name: &str) -> Option<Value> {
    Resource::ALL.into_iter().find(|it| it.name() == name).map(|it| resource_type(base, it))
}

fn schema(base: &str, resource: Resource) -> Value {
    json!({
        "schemas": [SCHEMA_SCHEMA],
        "id": resource.schema(),
        "name": resource.name(),
        "description": match resource {
            Resource::User => "A person.",
            Resource::Group => "A group.",
        },
        "attributes": resource.own().iter().map(attribute).collect::<Vec<_>>(),
        "meta": {
            "resourceType": "Schema",
            "location": format!("{base}/Schemas/{}", resource.schema()),
        },
    })
}

fn attribute(attribute: &Attribute) -> Value {
    let mut written = json!({
        "name": attribute.name,
        "type": match attribute.kind {
            Kind::String => "string",
            Kind::Boolean => "boolean",
            Kind::DateTime => "dateTime",
            Kind::Reference => "reference",
            Kind::Complex(_) => "complex",
        },
        "multiValued": attribute.multi,
        "description": attribute.description,
        "required": attribute.required,
        "mutability": match attribute.mutability {
            Mutability::ReadOnly => "readOnly",
            Mutability::ReadWrite => "readWrite",
            Mutability::Immutable => "immutable",
        },
        "returned": "default",
        "uniqueness": if attribute.unique { "server" } else { "none" },
    });
    match attribute.kind {
        Kind::Complex(within) => {
            written["subAttributes"] = within.iter().map(self::attribute).collect();
        }
        Kind::Reference => {
            let of = if attribute.mutability == Mutability::Immutable { "User" } else { "Group" };
            written["referenceTypes"] = json!([of]);
            written["caseExact"] = attribute.case_exact.into();
        }
        Kind::String | Kind::DateTime => written["caseExact"] = attribute.case_exact.into(),
        Kind::Boolean => {}
    }
    written
}

/// `/Schemas`.
pub(super) fn schemas(base: &str) -> Value {
    let all: Vec<_> = Resource::ALL.iter().map(|it| schema(base, *it)).collect();
    list::response(all.len(), 1, all)
}

/// `/Schemas/{id}`.
pub(super) fn one_schema(base: &str, id: &str) -> Option<Value> {
    Resource::ALL
        .into_iter()
        .find(|it| it.schema().eq_ignore_ascii_case(id))
        .map(|it| schema(base, it))
}
