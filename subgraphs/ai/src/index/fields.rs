//! What is indexed of a passage, and how words are compared.

use tantivy::{
    Index,
    schema::{Field, IndexRecordOption, STORED, STRING, Schema, TextFieldIndexing, TextOptions},
    tokenizer::{
        AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
        StopWordFilter, TextAnalyzer,
    },
};

/// The name of the analyzer. Another name or another schema makes the index be built again.
const WORDS: &str = "studio_words_v1";
/// Words that tell nothing of what a text is about, those that questions begin with among them.
const COMMON: &str = "a about am an and any are as at be been being but by can could did do does \
    doing for from had has have having he her him his how i if in into is it its me my no nor not \
    of on or our ours she should so some such than that the their them then there these they this \
    those to too us very was we were what when where which while who whom whose why will with \
    would you your yours";
/// Longer runs of letters are no words.
const LONGEST_WORD: usize = 64;

/// The fields of a passage.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields {
    /// The organization: in every query.
    pub(super) tenant: Field,
    /// The project, where the document belongs to one.
    pub(super) project: Field,
    /// By what it is reached: see [`reach`]. In every query of somebody who does not read everything.
    pub(super) reach: Field,
    /// Organization and document: what is replaced together.
    pub(super) key: Field,
    pub(super) document: Field,
    pub(super) version: Field,
    pub(super) number: Field,
    pub(super) sha256: Field,
    /// What the document is called: shown, and searched as words.
    pub(super) name: Field,
    pub(super) start_line: Field,
    pub(super) end_line: Field,
    pub(super) offset: Field,
    /// The passage itself.
    pub(super) text: Field,
}

/// The schema of the index.
pub(super) fn schema() -> (Schema, Fields) {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(WORDS)
        .set_index_option(IndexRecordOption::WithFreqs);
    let words = TextOptions::default().set_indexing_options(indexing).set_stored();
    let mut schema = Schema::builder();
    let fields = Fields {
        tenant: schema.add_text_field("tenant", STRING),
        project: schema.add_text_field("project", STRING),
        reach: schema.add_text_field("reach", STRING),
        key: schema.add_text_field("key", STRING),
        document: schema.add_text_field("document", STORED),
        version: schema.add_text_field("version", STORED),
        number: schema.add_u64_field("number", STORED),
        sha256: schema.add_text_field("sha256", STORED),
        name: schema.add_text_field("name", words.clone()),
        start_line: schema.add_u64_field("start_line", STORED),
        end_line: schema.add_u64_field("end_line", STORED),
        offset: schema.add_u64_field("offset", STORED),
        text: schema.add_text_field("text", words),
    };
    (schema.build(), fields)
}

/// The term for what lies in a place (an organization or a project), has a class, and is somebody's where it
/// is the own that is read.
pub(super) fn reach(place: &str, class: &str, owner: Option<&str>) -> String {
    match owner {
        Some(owner) => format!("{place}/{class}/{owner}"),
        None => format!("{place}/{class}"),
    }
}

/// How text becomes words, in documents and in questions alike: letters and digits, lower case,
/// without accents, without the most common English words, reduced to English stems.
pub(super) fn analyzer() -> TextAnalyzer {
    let plain = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter);
    let common = StopWordFilter::remove(COMMON.split_whitespace().map(str::to_owned));
    plain.filter(common).filter(Stemmer::new(Language::English)).build()
}

/// Makes the analyzer known to an index.
pub(super) fn register(index: &Index) {
    index.tokenizers().register(WORDS, analyzer());
}
