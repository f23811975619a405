//! Bytes as lower-case hexadecimal digits, for `#[serde(with = "hexadecimal")]`.

use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(
    bytes: &impl AsRef<[u8]>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(bytes))
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
    let bytes = hex::decode(text.as_bytes()).map_err(de::Error::custom)?;
    T::try_from(bytes).map_err(|_| de::Error::custom("it has another number of digits"))
}
