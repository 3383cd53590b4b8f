//! The methods that [`App`](crate::App) and [`Mount`](crate::Mount) share: those that add hooks and set publishers.

/// Writes the methods that add hooks; `$whose` ends the first line of their docs.
macro_rules! hook_methods {
    ($whose:literal) => {
        #[doc = concat!("Adds a hook before methods", $whose, ": `\"all\"`, `\"create\"`, `[\"create\", \"patch\"]`.")]
        pub fn before(
            &mut self,
            on: impl Into<$crate::call::hook::MethodFilter>,
            hook: impl $crate::call::hook::Hook,
        ) -> &mut Self {
            self.hooks_mut().before.push((on.into(), std::sync::Arc::new(hook)));
            self
        }

        #[doc = concat!("Adds a hook after methods", $whose, ".")]
        pub fn after(
            &mut self,
            on: impl Into<$crate::call::hook::MethodFilter>,
            hook: impl $crate::call::hook::Hook,
        ) -> &mut Self {
            self.hooks_mut().after.push((on.into(), std::sync::Arc::new(hook)));
            self
        }

        #[doc = concat!("Adds a hook on errors of methods", $whose, ".")]
        pub fn error(
            &mut self,
            on: impl Into<$crate::call::hook::MethodFilter>,
            hook: impl $crate::call::hook::Hook,
        ) -> &mut Self {
            self.hooks_mut().error.push((on.into(), std::sync::Arc::new(hook)));
            self
        }

        #[doc = concat!("Adds a hook around methods", $whose, ".")]
        pub fn around(
            &mut self,
            on: impl Into<$crate::call::hook::MethodFilter>,
            hook: impl $crate::call::hook::AroundHook,
        ) -> &mut Self {
            self.hooks_mut().around.push((on.into(), std::sync::Arc::new(hook)));
            self
        }
    };
}

/// Writes the methods that set publishers; `$all` and `$one` say for which events.
macro_rules! publisher_methods {
    ($all:literal, $one:literal) => {
        #[doc = concat!("Sets the publisher for ", $all, ".")]
        pub fn publish<C: $crate::event::channel::IntoChannels>(
            &mut self,
            publisher: impl Fn(&$crate::Publication, &$crate::AppHandle) -> C + Send + Sync + 'static,
        ) -> &mut Self {
            self.publishers_mut().all = Some($crate::call::publish::Publisher::now(publisher));
            self
        }

        #[doc = concat!("Sets the publisher for ", $one, ".")]
        pub fn publish_event<C: $crate::event::channel::IntoChannels>(
            &mut self,
            event: &str,
            publisher: impl Fn(&$crate::Publication, &$crate::AppHandle) -> C + Send + Sync + 'static,
        ) -> &mut Self {
            self.publishers_mut().events.insert(event.into(), $crate::call::publish::Publisher::now(publisher));
            self
        }

        #[doc = concat!("Sets a publisher that waits for something, for ", $all, "; calls do not wait for it.")]
        pub fn publish_async<C, Fut>(
            &mut self,
            publisher: impl Fn($crate::Publication, $crate::AppHandle) -> Fut + Send + Sync + 'static,
        ) -> &mut Self
        where
            C: $crate::event::channel::IntoChannels + 'static,
            Fut: Future<Output = C> + Send + 'static,
        {
            self.publishers_mut().all = Some($crate::call::publish::Publisher::later(publisher));
            self
        }

        #[doc = concat!("Sets a publisher that waits for something, for ", $one, "; calls do not wait for it.")]
        pub fn publish_event_async<C, Fut>(
            &mut self,
            event: &str,
            publisher: impl Fn($crate::Publication, $crate::AppHandle) -> Fut + Send + Sync + 'static,
        ) -> &mut Self
        where
            C: $crate::event::channel::IntoChannels + 'static,
            Fut: Future<Output = C> + Send + 'static,
        {
            self.publishers_mut().events.insert(event.into(), $crate::call::publish::Publisher::later(publisher));
            self
        }
    };
}

pub(super) use {hook_methods, publisher_methods};
