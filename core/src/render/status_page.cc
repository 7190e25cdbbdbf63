#include "leastwise/status_page.h"

#include "render/serves.h"

namespace leastwise {
namespace {

bool takes_part(const EndpointView& v) noexcept {
  return serves(v) && (v.settings.flags & kBackup) == 0;
}

// What part of the requests each endpoint of one pool gets, under a policy that goes by demand.
void share_out(const Config& config, std::span<PeerView> peers) noexcept {
  if (config.chosen_policy().demand == nullptr) return;
  float sum = 0;
  for (const PeerView& p : peers) {
    if (takes_part(p.view)) sum += p.view.demand;
  }
  for (PeerView& p : peers) {
    p.share = takes_part(p.view) && sum > 0 ? p.view.demand / sum : 0;
  }
}

}  // namespace

std::size_t StatusPage::peers_of(std::span<const NamedPool> pools) noexcept {
  std::size_t n = 0;
  for (const NamedPool& named : pools) {
    named.pool.for_each([&n](EndpointId) noexcept { ++n; });
  }
  return n;
}

StatusPage::StatusPage(PageFormat format, std::string_view proxy, std::span<const NamedPool> pools,
                       std::span<PeerView> peers, TimePoint now) noexcept
    : format_(format), proxy_(proxy), pools_(pools) {
  std::size_t n = 0;
  for (std::size_t p = 0; p < pools.size(); ++p) {
    const std::size_t first = n;
    pools[p].pool.for_each([&](EndpointId id) noexcept {
      if (n == peers.size()) return;
      peers[n++] = {.view = pools[p].pool.view(id, *pools[p].config, now),
                    .pool = static_cast<std::uint32_t>(p)};
    });
    share_out(*pools[p].config, peers.subspan(first, n - first));
  }
  peers_ = peers.first(n);
}

bool StatusPage::render(Text& out) noexcept {
  while (!at_.is_end) {
    const std::size_t before = out.size();
    const Position next =
        format_ == PageFormat::kJson ? write_json(at_, out) : write_prometheus(at_, out);
    if (!out.fits()) {
      out.cut(before);
      return true;
    }
    at_ = next;
  }
  return false;
}

}  // namespace leastwise
