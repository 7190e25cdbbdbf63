#include "leastwise/histogram.h"
#include "leastwise/status_page.h"
#include "render/shares.h"

namespace leastwise {
namespace {

// Every eighth bucket of the histogram is shown: a factor of four from one to the next.
constexpr std::size_t kShownEvery = 8;

struct Page {
  std::string_view proxy;
  std::span<const NamedPool> pools;
  TimePoint now;
  Text& out;

  void help(std::string_view metric, std::string_view type, std::string_view text) const noexcept {
    out << "# HELP " << metric << ' ' << text << "\n# TYPE " << metric << ' ' << type << '\n';
  }

  void labels(const NamedPool& pool, std::string_view peer) const noexcept {
    out << "{proxy=\"";
    out.label(proxy) << "\",upstream=\"";
    out.label(pool.name);
    if (!peer.empty()) {
      out << "\",peer=\"";
      out.label(peer);
    }
    out << '"';
  }

  template <typename Use>
  void each_peer(Use use) const noexcept {
    for (const NamedPool& pool : pools) {
      pool.pool.for_each(
          [&](EndpointId id) noexcept { use(pool, pool.pool.view(id, *pool.config, now)); });
    }
  }

  template <typename Value>
  void peers(std::string_view metric, std::string_view type, std::string_view text,
             Value value) const noexcept {
    help(metric, type, text);
    each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
      out << metric;
      labels(pool, v.name);
      out << "} " << value(v) << '\n';
    });
  }

  template <typename Value>
  void models(std::string_view metric, std::string_view type, std::string_view text,
              Value value) const noexcept {
    help(metric, type, text);
    for (const NamedPool& pool : pools) {
      out << metric;
      labels(pool, {});
      out << "} " << value(pool.pool.view()) << '\n';
    }
  }
};

void render_results(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_peer_requests_total";
  page.help(kMetric, "counter", "Attempts that ended, by result.");
  page.each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
    for (std::size_t i = 0; i < kResults; ++i) {
      page.out << kMetric;
      page.labels(pool, v.name);
      page.out << ",result=\"" << name(static_cast<Result>(i)) << "\"} " << v.results[i] << '\n';
    }
  });
}

void render_ejections(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_ejections_total";
  page.help(kMetric, "counter", "How often the peer was left out as an outlier, by reason.");
  page.each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
    for (std::size_t i = 1; i < kEjections; ++i) {
      page.out << kMetric;
      page.labels(pool, v.name);
      page.out << ",reason=\"" << name(static_cast<Ejection>(i)) << "\"} " << v.ejections[i]
               << '\n';
    }
  });
}

void render_reports(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_reports_total";
  page.help(kMetric, "counter", "Load reports of the peer, by whether they could be read.");
  page.each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
    for (const bool accepted : {true, false}) {
      page.out << kMetric;
      page.labels(pool, v.name);
      page.out << ",result=\"" << (accepted ? "accepted" : "refused") << "\"} "
               << (accepted ? v.reports : v.reports_refused) << '\n';
    }
  });
}

// Only of peers that report.
void render_utilisation(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_peer_reported_utilisation";
  page.help(kMetric, "gauge", "How full the peer says it is, of late.");
  page.each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
    if (v.reported_utilisation < 0) return;
    page.out << kMetric;
    page.labels(pool, v.name);
    page.out << "} " << double{v.reported_utilisation} << '\n';
  });
}

// Only under policies that go by demand.
void render_shares(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_peer_share";
  page.help(kMetric, "gauge", "Part of the requests that the peer gets by its demand.");
  for (const NamedPool& pool : page.pools) {
    const Shares shares(pool, page.now);
    pool.pool.for_each([&](EndpointId id) noexcept {
      const EndpointView v = pool.pool.view(id, *pool.config, page.now);
      const float share = shares.of(v);
      if (share < 0) return;
      page.out << kMetric;
      page.labels(pool, v.name);
      page.out << "} " << double{share} << '\n';
    });
  }
}

void render_times(const Page& page) noexcept {
  constexpr std::string_view kMetric = "leastwise_peer_response_time_seconds";
  page.help(kMetric, "histogram", "Time for which requests occupied the peer.");
  page.each_peer([&](const NamedPool& pool, const EndpointView& v) noexcept {
    std::uint64_t below = 0;
    for (std::size_t b = 0; b < Histogram::kBuckets; ++b) {
      below += pool.pool.histogram_count(v.id, b);
      if (b % kShownEvery != kShownEvery - 1) continue;
      page.out << kMetric << "_bucket";
      page.labels(pool, v.name);
      const bool last = b + 1 == Histogram::kBuckets;
      page.out << ",le=\"";
      if (last) {
        page.out << "+Inf";
      } else {
        page.out << double{seconds(Histogram::upper_bound(b))};
      }
      page.out << "\"} " << below << '\n';
    }
    page.out << kMetric << "_sum";
    page.labels(pool, v.name);
    page.out << "} " << v.occupied_seconds << '\n' << kMetric << "_count";
    page.labels(pool, v.name);
    page.out << "} " << below << '\n';
  });
}

}  // namespace

void render_prometheus(std::string_view proxy, std::span<const NamedPool> pools, TimePoint now,
                       Text& out) noexcept {
  const Page page{proxy, pools, now, out};
  page.help("leastwise_build_info", "gauge", "Version of Leastwise.");
  out << "leastwise_build_info{version=\"" << LEASTWISE_VERSION << "\"} 1\n";
  render_results(page);
  render_ejections(page);
  render_reports(page);
  render_utilisation(page);
  render_shares(page);
  render_times(page);
  page.peers("leastwise_peer_picks_total", "counter", "Attempts that began.",
             [](const EndpointView& v) noexcept { return v.picks; });
  page.peers("leastwise_peer_inflight", "gauge", "Attempts in flight.",
             [](const EndpointView& v) noexcept { return v.in_flight; });
  page.peers("leastwise_peer_weight", "gauge", "Configured weight.",
             [](const EndpointView& v) noexcept { return v.settings.weight; });
  page.peers("leastwise_peer_up", "gauge", "1 if the peer may be picked.",
             [](const EndpointView& v) noexcept { return std::uint32_t{serves(v)}; });
  page.peers("leastwise_peer_warmth", "gauge", "Part of its weight that the peer has: slow start.",
             [](const EndpointView& v) noexcept { return double{v.warmth}; });
  page.peers("leastwise_peer_local", "gauge", "1 if the peer is in the locality, or none is set.",
             [](const EndpointView& v) noexcept {
               return std::uint32_t{(v.settings.flags & kRemote) == 0};
             });
  page.peers("leastwise_peer_slowness", "gauge", "Seconds of delay per second of predicted work.",
             [](const EndpointView& v) noexcept { return double{v.slowness}; });
  page.peers("leastwise_peer_error_share", "gauge", "Decayed share of failures.",
             [](const EndpointView& v) noexcept { return double{v.error_share}; });
  page.peers("leastwise_peer_received_bytes_total", "counter", "Bytes received from the peer.",
             [](const EndpointView& v) noexcept { return v.bytes_received; });
  page.peers("leastwise_peer_sent_bytes_total", "counter", "Bytes sent to the peer.",
             [](const EndpointView& v) noexcept { return v.bytes_sent; });
  page.peers("leastwise_peer_healed_total", "counter",
             "Attempts given back for processes that died.",
             [](const EndpointView& v) noexcept { return v.healed; });
  page.models("leastwise_mean_cost_seconds", "gauge", "Mean work of a request.",
              [](const PoolView& v) noexcept { return double{v.mean_cost}; });
  page.models(
      "leastwise_fallback", "gauge",
      "1 while least_conn chooses since adaptive did worse: switchback.",
      [](const PoolView& v) noexcept { return v.chooser == Chooser::kFallback ? 1.0 : 0.0; });
  page.models("leastwise_samples_total", "counter", "Answers that the model learned from.",
              [](const PoolView& v) noexcept { return v.samples; });
  page.models("leastwise_samples_lost_total", "counter",
              "Answers that came too fast to learn from.",
              [](const PoolView& v) noexcept { return v.samples_lost; });
}

}  // namespace leastwise
