#include "companion/metrics.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

namespace leastwise::companion {
namespace {

std::string text_of(double value) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                 std::chars_format::fixed, 3);
  return {buffer.data(), end.ptr};
}
std::string text_of(std::uint64_t value) { return std::to_string(value); }

// One metric after the other, each with all of its lines. Names of pools and reasons need no
// escape.
class Writer {
 public:
  explicit Writer(const Figures& figures) : figures_(figures) {}

  void begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = "leastwise_companion_";
    name_ += name;
    out_.append("# HELP ").append(name_).append(" ").append(help);
    out_.append("\n# TYPE ").append(name_).append(" ").append(type).append("\n");
  }
  template <typename Value>
  void line(const std::string& labels, Value value) {
    out_.append(name_);
    if (!labels.empty()) out_.append("{").append(labels).append("}");
    out_.append(" ").append(text_of(value)).append("\n");
  }
  template <typename Visit>
  void each_pool(Visit visit) {
    for (const PoolFigures& pool : figures_.pools) {
      visit(pool, "kind=\"" + pool.kind + "\",pool=\"" + pool.name + '"');
    }
  }
  // One line a pool.
  template <typename Value>
  void of_pools(std::string_view name, std::string_view type, std::string_view help, Value value) {
    begin(name, type, help);
    each_pool([&](const PoolFigures& p, const std::string& labels) { line(labels, value(p)); });
  }
  // None of a pool that has no value.
  template <typename Value>
  void ages(std::string_view name, std::string_view help, Value value) {
    begin(name, "gauge", help);
    each_pool([&](const PoolFigures& p, const std::string& labels) {
      if (const std::optional<double>& age = value(p)) line(labels, *age);
    });
  }

  const Figures& figures() const noexcept { return figures_; }
  std::string take() { return std::move(out_); }

 private:
  const Figures& figures_;
  std::string name_, out_;
};

std::string with(const std::string& labels, std::string_view name, std::string_view value) {
  return labels + ',' + std::string(name) + "=\"" + std::string(value) + '"';
}

void write_source(Writer& w) {
  w.begin("endpoints", "gauge", "Servers that the source says there are, by state.");
  w.each_pool([&](const PoolFigures& p, const std::string& labels) {
    w.line(with(labels, "state", "up"), std::uint64_t{p.up});
    w.line(with(labels, "state", "draining"), std::uint64_t{p.draining});
  });
  w.of_pools("source_up", "gauge", "1 while the source answers.",
             [](const PoolFigures& p) { return std::uint64_t{p.is_current}; });
  w.ages(
      "source_age_seconds", "Since the source answered last; a watch does once a minute at least.",
      [](const PoolFigures& p) -> auto& { return p.source_age_s; });
  w.of_pools("source_answers_total", "counter", "Lists, events and bookmarks; answers of the DNS.",
             [](const PoolFigures& p) { return p.source.answers; });
  w.begin("source_errors_total", "counter",
          "By reason: a status of HTTP, unreachable, not_understood, token_file, port, dns.");
  w.each_pool([&](const PoolFigures& p, const std::string& labels) {
    for (const auto& [reason, n] : p.source.failures) w.line(with(labels, "reason", reason), n);
  });
}

void write_proxy(Writer& w) {
  w.of_pools("servers", "gauge", "Servers that the proxy has and the companion may change.",
             [](const PoolFigures& p) { return std::uint64_t{p.driver.servers}; });
  w.ages(
      "proxy_age_seconds", "Since the proxy had what it should; 0 while it has.",
      [](const PoolFigures& p) -> auto& { return p.proxy_age_s; });
  w.of_pools("proxy_requests_total", "counter", "Requests to the proxy; to HAProxy commands.",
             [](const PoolFigures& p) { return p.driver.asked; });
  w.of_pools("proxy_errors_total", "counter", "Requests to the proxy that had no answer of use.",
             [](const PoolFigures& p) { return p.driver.unanswered; });
  w.begin("changes_total", "counter", "What was told to the proxy, or refused by it.");
  w.each_pool([&](const PoolFigures& p, const std::string& labels) {
    w.line(with(labels, "change", "added"), p.driver.added);
    w.line(with(labels, "change", "drained"), p.driver.drained);
    w.line(with(labels, "change", "removed"), p.driver.removed);
    w.line(with(labels, "change", "refused"), p.driver.refused);
  });
}

void write_share(Writer& w, const ShareFigures& share) {
  const auto one = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t value) {
    w.begin(name, type, help);
    w.line("", value);
  };
  one("share_connected", "gauge", "1 while connected to Redis (share).", share.is_connected);
  one("share_tellers", "gauge", "Other balancers that are heard, of the upstream with the most.",
      share.tellers);
  one("share_told_total", "counter", "Reports to other balancers written to Redis.", share.told);
  one("share_heard_total", "counter", "Reports of other balancers read there.", share.heard);
  one("share_refused_total", "counter", "Values there that are no reports.", share.refused);
  one("share_errors_total", "counter", "Failed exchanges with Redis or nginx.", share.errors);
  one("share_bytes_total", "counter", "Bytes sent to Redis and received.", share.bytes);
}

}  // namespace

std::string metrics_text(const Figures& figures) {
  Writer w(figures);
  write_source(w);
  write_proxy(w);
  if (figures.share) write_share(w, *figures.share);
  w.begin("reloads_total", "counter", "Times that the configuration was read again, by result.");
  w.line("result=\"taken\"", figures.reloads);
  w.line("result=\"refused\"", figures.failed_reloads);
  return w.take();
}

bool is_well(const Figures& figures) noexcept {
  return std::ranges::all_of(
      figures.pools, [](const PoolFigures& p) { return p.is_current && p.driver.is_settled; });
}

}  // namespace leastwise::companion
