/// `Debug` of these fields alone: what is left out is the user's, and may be secret.
macro_rules! debug_only {
    ($model:ident { $($field:ident),+ $(,)? }) => {
        impl std::fmt::Debug for $model {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($model))
                    $(.field(stringify!($field), &self.$field))+
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use debug_only;
