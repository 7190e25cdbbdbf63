// Status page: what a pool knows, as text for machines. Pure functions of the pool.
#ifndef LEASTWISE_STATUS_PAGE_H_
#define LEASTWISE_STATUS_PAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "leastwise/config.h"
#include "leastwise/pool.h"
#include "leastwise/text.h"

namespace leastwise {

// A pool with the name that its users know it by.
struct NamedPool {
  std::string_view name;  // of the upstream or backend
  const Config* config = nullptr;
  Pool pool;
};

// What a page says of one endpoint.
struct PeerView {
  EndpointView view;
  float share = -1;        // d_i / Σ d_j under a policy that goes by demand, else -1
  std::uint32_t pool = 0;  // which of the page's
  // Which peer stands at this place, in the order of the pool's configuration.
  std::uint32_t in_order = 0;
};

// json        {"version":…,"upstreams":{NAME:{"policy":…,"peers":[…],"routes":[…],
//             "history":[…],"decisions":[…],"model":{…}}}},
//             peers in the shape of NGINX Plus' API where it has a word for it, and all else under
//             "leastwise"
// prometheus  text format 0.0.4; metrics leastwise_*, labels proxy, upstream, peer (its
//             address), and for HAProxy server (its name there)
// upstreams   {NAME:{…}} alone, as json has them
// upstream    what json has of one: {…}
enum class PageFormat : std::uint8_t { kJson, kPrometheus, kUpstreams, kUpstream };

// A page, rendered part by part into buffers of the caller, so that thousands of endpoints neither
// stop an event loop nor need all of the text in memory. All parts tell of the same looks: every
// endpoint is looked at once, before the first part (the buckets of histograms are read late).
//
// Private to one thread. What it was given must outlive it.
class StatusPage {
 public:
  // What a part takes at most, and as much again: names are no longer than kMaxEndpointName.
  static constexpr std::size_t kLeastRoom = 80 * 1024;

  // How many PeerView a page of these pools needs, with some to spare for endpoints that come
  // meanwhile. O(pools).
  static std::size_t peers_of(std::span<const NamedPool> pools) noexcept;

  // `proxy` is "nginx" or "haproxy". O(1).
  StatusPage(PageFormat format, std::string_view proxy, std::span<const NamedPool> pools,
             std::span<PeerView> peers, TimePoint now) noexcept;

  // Looks at so many endpoints more. True when there are others. Called by render() for all that
  // are left.
  bool look(std::size_t endpoints) noexcept;

  // Appends whole parts while they fit. True when more is to come.
  // REQUIRES: kLeastRoom of room in `out`.
  bool render(Text& out) noexcept;
  bool has_more() const noexcept { return !at_.is_end; }

 private:
  // Where the rendering stands: of JSON a pool and a place in it, of metrics a family and a peer.
  struct Position {
    std::uint32_t section = 0;
    std::uint32_t item = 0;
    std::uint32_t route = 0;    // or, behind the routes,
    bool is_decisions = false;  // a decision
    bool is_end = false;
  };
  void write_frame(Text& out) const noexcept;
  Position write_decisions(Position at, Text& out) const noexcept;
  Position write_json(Position at, Text& out) const noexcept;
  Position write_prometheus(Position at, Text& out) const noexcept;

  PageFormat format_;
  std::string_view proxy_;
  std::span<const NamedPool> pools_;
  std::span<PeerView> memory_;
  std::span<PeerView> peers_;  // of it, those that were looked at
  TimePoint now_;
  std::size_t pool_ = 0;    // where the looks are: a pool,
  std::uint32_t next_ = 0;  // a place in it,
  std::size_t first_ = 0;   // and its first peer
  Position at_;
};

// The core's part of docs/metrics.md: a table.
void render_metrics(Text& out) noexcept;

// docs/directives.md.
void render_directives(Text& out) noexcept;

}  // namespace leastwise

#endif  // LEASTWISE_STATUS_PAGE_H_
