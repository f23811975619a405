use super::*;
use crate::schema::BUILT_INS;
use graphql_tools::{
    parser::{parse_query, parse_schema},
    validation::{
        rules::OverlappingFieldsCanBeMerged,
        validate::{ValidationPlan, validate},
    },
};
use proptest::prelude::*;

const SDL: &str = "
    type Query { a: A! i: I u: U s: String n: Int! }
    interface I { a: A s: String x(v: Int, w: [Int]): Int i: I }
    type A implements I { a: A s: String x(v: Int, w: [Int]): Int i: I own: Int! }
    type B implements I { a: A s: String x(v: Int, w: [Int]): Int i: I own: String }
    type C { own: [Int] i: I s: Int }
    union U = A | B | C";

fn sdl() -> graphql_tools::parser::schema::Document<'static, String> {
    parse_schema::<String>(&format!("{SDL}{BUILT_INS}")).unwrap().into_static()
}

fn checked(document: &str, most: usize) -> Result<(), String> {
    let schema = Schema::build(&sdl()).unwrap();
    let query = parse_query::<String>(document).unwrap().into_static();
    check(&query, &schema, most).map_err(|errors| errors[0].message.clone())
}

#[test]
fn one_key_stands_for_one_value() {
    for valid in [
        "{ s s k: s k: s i { s } i { k: s s } }",
        "{ u { ... on A { k: s } ... on B { k: s } } }",
        "{ u { ... on A { k: x(v: 1) } ... on B { k: x(v: 2) } } }",
        "{ i { x(v: 1, w: [2]) x(w: [2], v: 1) } }",
        "{ u { ... on A { i { k: s } } ... on B { i { k: s } } } }",
        "{ ...F ...F i { ...G } } fragment F on Query { i { ...G } } fragment G on I { s }",
        "{ __typename k: __typename __type(name: \"A\") { name } }",
    ] {
        assert_eq!(checked(valid, 1_000), Ok(()), "{valid}");
    }
    let two = |at: &str, one: &str, other: &str| {
        format!(
            "\"{at}\" cannot be one value: \"{one}\" and \"{other}\" are two fields; give them different aliases to get both"
        )
    };
    let shape = |at: &str, one: &str, other: &str| {
        format!(
            "\"{at}\" cannot be one value: it is {one} in one place and {other} in another; give them different aliases to get both"
        )
    };
    let arguments = |at: &str| {
        format!(
            "\"{at}\" cannot be one value: its arguments differ from place to place; give them different aliases to get both"
        )
    };
    for (invalid, told) in [
        ("{ a { s s: __typename } }", shape("a.s", "String", "String!")),
        ("{ i { k: s } i { a { s } } i { ... on A { k: i { s } } } }", shape("i.k", "String", "I")),
        ("{ u { ... on A { own } ... on B { own } } }", shape("u.own", "Int!", "String")),
        ("{ u { ... on C { s } ... on I { s } } }", shape("u.s", "Int", "String")),
        ("{ i { x(v: 1) ... on A { x(v: 2) } } }", arguments("i.x")),
        ("{ i { x(v: 1) x } }", arguments("i.x")),
        ("{ i { k: a { s } ... on A { k: i { s } } } }", two("i.k", "a", "i")),
        (
            "{ ...F i { a { k: s } } } fragment F on Query { i { a { k: __typename } } }",
            shape("i.a.k", "String!", "String"),
        ),
        (
            "{ i { i { ...F } ... on A { i { ...G } } } } fragment F on I { k: x(v: 1) } fragment G on I { k: x(v: 2) }",
            arguments("i.i.k"),
        ),
    ] {
        assert_eq!(checked(invalid, 1_000), Err(told), "{invalid}");
    }
}

#[test]
fn many_fields_of_one_key_are_compared_one_by_one() {
    let document = format!("{{ {} }}", "i { s } ".repeat(5_000));
    assert_eq!(checked(&document, 50_000), Ok(()));
    // Objects and interface by turns: twice as many sets of fields with each level.
    let mut nested = "s".to_owned();
    for level in 0..20 {
        nested = format!(
            "k{level}: i {{ {nested} }} ... on A {{ k{level}: i {{ a{level}: s }} }} ... on B {{ k{level}: i {{ b{level}: s }} }}"
        );
    }
    let told = checked(&format!("{{ i {{ {nested} }} }}"), 50_000).unwrap_err();
    assert!(told.starts_with("it takes more than 50000 comparisons"), "{told}");
}

/// A selection of an object of this type, as the choices say.
fn selection(ty: &str, choices: &mut impl Iterator<Item = u8>, depth: usize) -> String {
    fn one<T: Copy>(of: &[T], choices: &mut impl Iterator<Item = u8>) -> T {
        of[usize::from(choices.next().unwrap_or_default()) % of.len()]
    }
    let fields: &[(&str, &str)] = match ty {
        "Query" => &[("a", "A"), ("i", "I"), ("u", "U"), ("s", "")],
        "I" => &[("a", "A"), ("s", ""), ("x", ""), ("i", "I")],
        "A" | "B" => &[("a", "A"), ("s", ""), ("x", ""), ("i", "I"), ("own", "")],
        "C" => &[("own", ""), ("i", "I"), ("s", "")],
        _ => &[("__typename", "")],
    };
    let items = (0..one(&[1, 2, 3], choices)).map(|_| {
        let narrows = depth > 0 && ty != "Query" && one(&[true, false, ty == "U"], choices);
        if narrows {
            let on = one(&["A", "B", "C", "I"], choices);
            return format!("... on {on} {}", selection(on, choices, depth - 1));
        }
        let (name, of) = one(fields, choices);
        let alias = one(&["", "", "k: ", "s: "], choices);
        let arguments = match name {
            "x" => one(&["", "(v: 1)", "(v: 2)"], choices),
            _ => "",
        };
        let inner = match of {
            "" => String::new(),
            _ if depth == 0 => "{ __typename }".to_owned(),
            of => selection(of, choices, depth - 1),
        };
        format!("{alias}{name}{arguments} {inner}")
    });
    format!("{{ {} }}", items.collect::<Vec<_>>().join(" "))
}

proptest! {
    #[test]
    fn it_judges_as_comparing_each_two_does(choices in prop::collection::vec(any::<u8>(), 1..120)) {
        let document = selection("Query", &mut choices.into_iter(), 4);
        let query = parse_query::<String>(&document).unwrap().into_static();
        let plan = ValidationPlan::from(vec![Box::new(OverlappingFieldsCanBeMerged::new())]);
        let sdl = sdl();
        let problems = validate(&sdl, &query, &plan);
        let own = checked(&document, 1_000_000);
        prop_assert_eq!(own.is_ok(), problems.is_empty(), "{} {:?} {:?}", document, own, problems);
    }
}
