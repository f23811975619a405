//! The catalogs that ship inside the program.

/// A catalog inside the program.
#[derive(Debug, Clone, Copy)]
pub struct Shipped {
    /// What `importFramework(input: {builtin})` takes: the `id` in the file.
    pub id: &'static str,
    /// The file.
    pub document: &'static str,
}

/// Every one of them.
pub const SHIPPED: &[Shipped] = &[
    Shipped {
        id: "iso27001-2022",
        document: include_str!("../../../../../catalogs/iso27001-2022.json"),
    },
    Shipped { id: "soc2-2017", document: include_str!("../../../../../catalogs/soc2-2017.json") },
];

/// The one of that id; `soc2` and `iso27001` name the newest edition.
pub fn shipped(id: &str) -> Option<&'static Shipped> {
    let id = id.to_lowercase();
    SHIPPED.iter().find(|catalog| catalog.id == id || catalog.id.split('-').next() == Some(&*id))
}
