//! The facts that the subgraphs and the monolith serve alike.

use async_graphql::Enum;

#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
pub enum Role {
    Admin,
    Reader,
}

#[derive(Clone, Copy, PartialEq, Eq, Enum, Debug)]
pub enum Lang {
    En,
    De,
}

#[derive(Clone)]
pub struct UserRow {
    pub id: &'static str,
    pub name: &'static str,
    pub email: Option<&'static str>,
    pub role: Role,
    /// Whose secret cannot be read.
    pub broken: bool,
}

pub const USERS: [UserRow; 4] = [
    UserRow {
        id: "u1",
        name: "Ada",
        email: Some("ada@x.example"),
        role: Role::Admin,
        broken: false,
    },
    UserRow { id: "u2", name: "Bob \"B\"\n", email: None, role: Role::Reader, broken: true },
    UserRow {
        id: "u3",
        name: "Cyd",
        email: Some("cyd@x.example"),
        role: Role::Reader,
        broken: false,
    },
    UserRow { id: "u4", name: "Déjà", email: None, role: Role::Admin, broken: true },
];

#[derive(Clone)]
pub struct ProductRow {
    pub upc: &'static str,
    pub name: &'static str,
    pub price: Option<i32>,
    pub weight: Option<i32>,
    pub in_stock: Option<bool>,
    pub related: &'static [&'static str],
}

pub const PRODUCTS: [ProductRow; 4] = [
    ProductRow {
        upc: "p1",
        name: "Table",
        price: Some(100),
        weight: Some(7),
        in_stock: Some(true),
        related: &["p2", "p3"],
    },
    ProductRow {
        upc: "p2",
        name: "Couch",
        price: Some(2000),
        weight: Some(90),
        in_stock: Some(false),
        related: &["p1"],
    },
    ProductRow {
        upc: "p3",
        name: "Chair",
        price: None,
        weight: Some(3),
        in_stock: None,
        related: &[],
    },
    ProductRow {
        upc: "p4",
        name: "Lamp",
        price: Some(30),
        weight: None,
        in_stock: Some(true),
        related: &["p4"],
    },
];

#[derive(Clone)]
pub struct ReviewRow {
    pub id: &'static str,
    pub body: &'static str,
    pub stars: i32,
    pub author: &'static str,
    pub product: &'static str,
}

pub const REVIEWS: [ReviewRow; 6] = [
    ReviewRow { id: "r1", body: "good", stars: 5, author: "u1", product: "p1" },
    ReviewRow { id: "r2", body: "bad", stars: 1, author: "u2", product: "p1" },
    ReviewRow { id: "r3", body: "fine", stars: 3, author: "u1", product: "p2" },
    ReviewRow { id: "r4", body: "odd", stars: 2, author: "u3", product: "p3" },
    ReviewRow { id: "r5", body: "old", stars: 4, author: "u4", product: "p1" },
    ReviewRow { id: "r6", body: "new", stars: 4, author: "u4", product: "p4" },
];

/// A review whose author and product are gone.
pub const DANGLING: ReviewRow =
    ReviewRow { id: "r9", body: "lost", stars: 3, author: "u9", product: "p9" };

pub fn user(id: &str) -> Option<UserRow> {
    USERS.iter().find(|user| user.id == id).cloned()
}

pub fn product(upc: &str) -> Option<ProductRow> {
    PRODUCTS.iter().find(|product| product.upc == upc).cloned()
}

pub fn label(name: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("{name} (en)"),
        Lang::De => format!("{name} (de)"),
    }
}

/// What shipping costs, known only from price and weight.
pub fn shipping(price: Option<i32>, weight: Option<i32>) -> Option<i32> {
    Some(if price? > 1000 { 0 } else { weight? * 2 })
}

pub fn described(input: Option<Filter>) -> String {
    format!("{input:?}")
}

/// An input object, to see what arrives of variables.
#[derive(async_graphql::InputObject, Debug, Clone)]
pub struct Filter {
    pub text: async_graphql::MaybeUndefined<String>,
    #[graphql(default = 7)]
    pub limit: i32,
    pub lang: Option<Lang>,
    pub any: Option<Vec<i32>>,
}
