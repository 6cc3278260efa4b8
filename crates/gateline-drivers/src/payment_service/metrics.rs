//! What the service says of itself at `/metrics`, in OpenMetrics text form.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// The page's media type.
pub(super) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const BUCKET_BOUNDS_SECS: [f64; 10] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

type Labels = Vec<(&'static str, String)>;

pub(super) struct Metrics {
    registry: Registry,
    requests: Family<Labels, Counter>,
    duration: Histogram,
    in_flight: Gauge,
}

/// A payment that has begun; it has ended when this is dropped.
pub(super) struct Begun(Gauge);

impl Drop for Begun {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(super) fn new(version: &str) -> Self {
        let requests = Family::<Labels, Counter>::default();
        let duration = Histogram::new(BUCKET_BOUNDS_SECS);
        let in_flight = Gauge::default();
        let build = Family::<Labels, Gauge>::default();
        build.get_or_create(&vec![("version", version.to_owned())]).set(1);
        // Both codes are there from the start: a counter that appears later looks like one that is missing.
        for code in [200_u16, 500] {
            drop(requests.get_or_create(&vec![("code", code.to_string())]));
        }
        let mut registry = Registry::default();
        registry.register(
            "payment_requests",
            "Payments asked for, by the code of the answer",
            requests.clone(),
        );
        registry.register(
            "payment_request_duration_seconds",
            "Time that payments took",
            duration.clone(),
        );
        registry.register(
            "payment_requests_in_flight",
            "Payments that have begun",
            in_flight.clone(),
        );
        registry.register("payment_build_info", "The running version", build);
        Self {
            registry,
            requests,
            duration,
            in_flight,
        }
    }

    pub(super) fn begin(&self) -> Begun {
        self.in_flight.inc();
        Begun(self.in_flight.clone())
    }

    pub(super) fn count(&self, code: u16, took: Duration) {
        self.requests
            .get_or_create(&vec![("code", code.to_string())])
            .inc();
        self.duration.observe(took.as_secs_f64());
    }

    pub(super) fn page(&self) -> String {
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &self.registry)
            .expect("a String takes all text");
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_the_promised_names_and_its_end() {
        let metrics = Metrics::new("1.2.0");
        metrics.count(500, Duration::from_millis(20));
        let page = metrics.page();
        for line in [
            "payment_requests_total{code=\"200\"} 0\n",
            "payment_requests_total{code=\"500\"} 1\n",
            "payment_request_duration_seconds_bucket{le=\"0.025\"} 1\n",
            "payment_build_info{version=\"1.2.0\"} 1\n",
        ] {
            assert!(page.contains(line), "{line}{page}");
        }
        assert!(page.ends_with("# EOF\n"), "{page}");
    }
}
