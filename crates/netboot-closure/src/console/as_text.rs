//! Values in their serialised form: the texts that lines of the console have for them.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

use crate::console::template::{Field, Printed};

fn parse<F: Field, E: Error>(text: &str) -> Result<F, E> {
    F::parse(text).ok_or_else(|| E::custom(format!("{text:?} is not what the console shows")))
}

/// A value that may be missing.
pub(super) mod option {
    use super::{Deserialize, Deserializer, Field, Printed, Serializer, parse};

    #[expect(clippy::ref_option, reason = "serde passes fields by reference")]
    pub(crate) fn serialize<F: Field, S: Serializer>(
        value: &Option<F>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(&Printed(value)),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, F: Field, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<F>, D::Error> {
        Option::<String>::deserialize(deserializer)?.map(|text| parse(&text)).transpose()
    }
}

/// Several values.
pub(super) mod list {
    use super::{Deserialize, Deserializer, Field, Printed, Serializer, parse};

    pub(crate) fn serialize<F: Field, S: Serializer>(
        values: &[F],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(values.iter().map(|value| Printed(value).to_string()))
    }

    pub(crate) fn deserialize<'de, F: Field, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<F>, D::Error> {
        Vec::<String>::deserialize(deserializer)?.iter().map(|text| parse(text)).collect()
    }
}

/// The text of a last word, and the remedy for people.
pub(super) mod failure {
    use serde::ser::SerializeStruct;

    use super::{Deserialize, Deserializer, Serializer, parse};
    use crate::console::failure::Failure;

    #[derive(Deserialize)]
    struct Message {
        message: String,
    }

    #[expect(clippy::ref_option, reason = "serde passes fields by reference")]
    pub(crate) fn serialize<S: Serializer>(
        failure: &Option<Failure>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let Some(failure) = failure else { return serializer.serialize_none() };
        let mut fields = serializer.serialize_struct("Failure", 2)?;
        fields.serialize_field("message", &failure.to_string())?;
        fields.serialize_field("hint", &failure.hint())?;
        fields.end()
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Failure>, D::Error> {
        let read = Option::<Message>::deserialize(deserializer)?;
        read.map(|read| parse(&read.message)).transpose()
    }
}
