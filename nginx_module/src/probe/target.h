// Target: a server that is asked, for its health or its load, and when. Told apart from its place
// in nginx's list, which may change at any time: name and address are copies.
#ifndef LEASTWISE_NGINX_MODULE_PROBE_TARGET_H_
#define LEASTWISE_NGINX_MODULE_PROBE_TARGET_H_

#include <cstdint>

#include "leastwise/pool.h"
#include "leastwise/rng.h"
#include "probe/exchange.h"
#include "reports/scrape.h"
#include "shared/ngx.h"
#include "shared/upstream.h"

namespace leastwise::nginx {

struct Target;

// What targets are asked for: probes (probing.cc) or load (scraping.cc).
struct Errand {
  const ProbeSettings& (*settings)(const Config& config) noexcept;
  // The last time, by whomever.
  Duration (*since)(const Pool& pool, EndpointId id, TimePoint now) noexcept;
  void (*note)(Target& target, const ProbeResult& result, std::string_view body) noexcept;
  std::string_view name;
  bool is_scrape;
};
extern const Errand kProbing, kScraping;

// What all targets of an upstream share.
struct Targets {
  const Errand* errand = nullptr;
  Upstream* upstream = nullptr;
  std::uint32_t on_their_way = 0;
  Rng rng{0};
#if (NGX_SSL)
  ngx_ssl_t tls{};
#endif

  const ProbeSettings& settings() const noexcept { return errand->settings(upstream->config); }
};

// The event is its timer: until the next probe is due, or until the one on its way takes too long.
struct Target : ngx_event_t {
  Target() noexcept : ngx_event_t{} {}

  Targets* all = nullptr;
  Exchange* exchange = nullptr;  // the probe on its way
  EndpointId id = kNoEndpoint;
  ngx_str_t name{};
  sockaddr* address = nullptr;
  socklen_t address_size = 0;
  TimePoint began{};          // the last probe
  Samples* before = nullptr;  // of the last scrape; `at` is zero when there was none

  // The first probe: when that of whoever probed before is over by an interval.
  void schedule_first() noexcept;
  // No probe any more; one on its way is ended and tells nothing.
  void cancel() noexcept;

  static void on_timer(ngx_event_t* event) noexcept;

 private:
  static void on_done(void* self, const ProbeResult& result, std::string_view body) noexcept;
  void begin() noexcept;
  void note(const ProbeResult& result, std::string_view body) noexcept;
  void schedule_next() noexcept;
  void wait(Duration time) noexcept;
  bool has_room() const noexcept;
};

}  // namespace leastwise::nginx

#endif  // LEASTWISE_NGINX_MODULE_PROBE_TARGET_H_
