// Others' rules, after their sources: the figures are their defaults.
#include <algorithm>
#include <cmath>
#include <list>
#include <numeric>
#include <stdexcept>
#include <unordered_map>

#include "leastwise/rng.h"
#include "sim/inference/router.h"

namespace leastwise::sim {
namespace {

// What a router takes to be cached at one server: blocks of 64 bytes, an LRU of 31,250.
class Index {
 public:
  std::size_t match(const std::vector<std::uint64_t>& blocks) const {
    std::size_t n = 0;
    while (n < blocks.size() && places_.contains(blocks[n])) ++n;
    return n;
  }
  void add(const std::vector<std::uint64_t>& blocks) {
    for (auto b = blocks.rbegin(); b != blocks.rend(); ++b) {
      if (const auto found = places_.find(*b); found != places_.end()) order_.erase(found->second);
      places_[*b] = order_.insert(order_.end(), *b);
    }
    for (; places_.size() > kMost; order_.pop_front()) places_.erase(order_.front());
  }
  std::size_t size() const { return places_.size(); }

 private:
  static constexpr std::size_t kMost = 31'250;
  std::list<std::uint64_t> order_;
  std::unordered_map<std::uint64_t, std::list<std::uint64_t>::iterator> places_;
};

class Counting : public Router {
 public:
  Counting(std::size_t servers, std::uint64_t seed) : in_flight_(servers), rng_(seed) {}
  std::size_t pick(const Call& call, double) override {
    const std::size_t server = choose(call);
    in_flight_[server] += 1;
    return server;
  }
  void ended(const Call& call, double) override { in_flight_[call.server] -= 1; }

 protected:
  virtual std::size_t choose(const Call& call) = 0;

  // The server of least cost; equals at random.
  template <typename Cost>
  std::size_t least(Cost cost) {
    std::size_t best = 0, equals = 0;
    double least = 0;
    for (std::size_t i = 0; i < in_flight_.size(); ++i) {
      const double c = cost(i);
      if (equals == 0 || c < least) {
        best = i, least = c, equals = 1;
      } else if (c == least && rng_.below(static_cast<std::uint32_t>(++equals)) == 0) {
        best = i;
      }
    }
    return best;
  }
  std::size_t least_busy() {
    return least([&](std::size_t i) { return in_flight_[i]; });
  }

  std::vector<double> in_flight_;
  Rng rng_;
};

class RoundRobin : public Counting {
  using Counting::Counting;
  std::size_t choose(const Call&) override { return next_++ % in_flight_.size(); }
  std::size_t next_ = 0;
};

class SessionHash : public Counting {
  using Counting::Counting;
  std::size_t choose(const Call& call) override {
    return least([&](std::size_t i) { return double(mix(call.session, i)); });
  }
};

// KubeAI: consistent hashing with bounded loads, by the first 256 bytes.
class Chwbl : public Counting {
  using Counting::Counting;
  std::size_t choose(const Call& call) override {
    std::uint64_t key = 0;
    call.text.walk(std::min(256U, call.text.bytes()), [&](std::uint64_t hash) {
      key = hash;
      return UINT32_MAX;
    });
    const double total = std::accumulate(in_flight_.begin(), in_flight_.end(), 1.0);
    const double most = std::ceil(1.25 * total / double(in_flight_.size()));
    return least([&](std::size_t i) {
      return double(mix(key, i) >> 1) * 0x1p-63 + (in_flight_[i] + 1 > most ? 2 : 0);
    });
  }
};

class ByPrefix : public Counting {
 public:
  ByPrefix(std::size_t servers, std::uint64_t seed) : Counting(servers, seed), index_(servers) {}
  std::size_t pick(const Call& call, double now) override {
    blocks_ = call.text.blocks();
    share_.clear();
    for (const Index& index : index_) {
      share_.push_back(double(index.match(blocks_)) /
                       std::max(1.0, double(call.text.bytes()) / kBlockBytes));
    }
    const std::size_t server = Counting::pick(call, now);
    index_[server].add(blocks_);
    return server;
  }

 protected:
  double spread() const {
    const auto [low, high] = std::minmax_element(in_flight_.begin(), in_flight_.end());
    return *high - *low;
  }

  std::vector<Index> index_;
  std::vector<std::uint64_t> blocks_;
  std::vector<double> share_;  // of the prompt, by server
};

// SGLang, vllm-router: cache_aware.
class Sglang : public ByPrefix {
  using ByPrefix::ByPrefix;
  std::size_t choose(const Call&) override {
    const auto [low, high] = std::minmax_element(in_flight_.begin(), in_flight_.end());
    if (*high - *low > 64 && *high > 1.5 * *low) return least_busy();
    const double best = *std::max_element(share_.begin(), share_.end());
    if (best > 0.3) return least([&](std::size_t i) { return -share_[i]; });
    return least([&](std::size_t i) { return double(index_[i].size()); });
  }
};

// AIBrix: prefix-cache.
class Aibrix : public ByPrefix {
  using ByPrefix::ByPrefix;
  std::size_t choose(const Call&) override {
    if (spread() > 8) return least_busy();
    const double n = double(in_flight_.size());
    const double mean = std::accumulate(in_flight_.begin(), in_flight_.end(), 0.0) / n;
    double squares = 0;
    for (const double x : in_flight_) squares += (x - mean) * (x - mean);
    const double most = mean + 2 * std::sqrt(squares / n);
    std::size_t best = in_flight_.size();
    for (std::size_t i = 0; i < in_flight_.size(); ++i) {
      if (share_[i] <= 0 || in_flight_[i] > most) continue;
      if (best == in_flight_.size() || share_[i] > share_[best] ||
          (share_[i] == share_[best] && in_flight_[i] < in_flight_[best])) {
        best = i;
      }
    }
    return best != in_flight_.size() ? best : least_busy();
  }
};

// The endpoint picker of the gateway API's inference extension: 3 prefix, 2 queue, 2 KV.
class Epp : public ByPrefix {
 public:
  Epp(std::size_t servers, std::uint64_t seed)
      : ByPrefix(servers, seed), queue_(servers), kv_(servers) {}
  void scrape(std::span<const ModelServer> servers) override {
    for (std::size_t i = 0; i < servers.size(); ++i) {
      queue_[i] = double(servers[i].waiting());
      kv_[i] = servers[i].kv_used();
    }
  }

 private:
  std::size_t choose(const Call&) override {
    const auto [low, high] = std::minmax_element(queue_.begin(), queue_.end());
    return least([&](std::size_t i) {
      const double queue = *high > *low ? (*high - queue_[i]) / (*high - *low) : 1;
      return -(3 * share_[i] + 2 * queue + 2 * (1 - kv_[i]));
    });
  }
  std::vector<double> queue_, kv_;
};

// Fewest bytes to read, this prompt's own uncached ones included.
class LeastPending : public ByPrefix {
 public:
  LeastPending(std::size_t servers, std::uint64_t seed)
      : ByPrefix(servers, seed), pending_(servers) {}
  std::size_t pick(const Call& call, double now) override {
    const std::size_t server = ByPrefix::pick(call, now);
    pending_[server] += own_[call.id] = uncached(call, server);
    return server;
  }
  void first_token(const Call& call, double) override {
    pending_[call.server] -= own_[call.id];
    own_.erase(call.id);
  }

 private:
  double uncached(const Call& call, std::size_t i) const {
    return double(call.text.bytes()) * (1 - share_[i]);
  }
  std::size_t choose(const Call& call) override {
    return least([&](std::size_t i) { return pending_[i] + uncached(call, i); });
  }
  std::vector<double> pending_;
  std::unordered_map<std::size_t, double> own_;
};

}  // namespace

std::vector<std::string_view> rivals() {
  return {"least_conn", "round_robin", "session_hash", "chwbl",
          "sglang",     "aibrix",      "epp",          "least_pending"};
}

std::unique_ptr<Router> make_router(std::string_view name, std::size_t servers, std::uint64_t seed,
                                    bool says_usage) {
  if (name == "round_robin") return std::make_unique<RoundRobin>(servers, seed);
  if (name == "session_hash") return std::make_unique<SessionHash>(servers, seed);
  if (name == "chwbl") return std::make_unique<Chwbl>(servers, seed);
  if (name == "sglang") return std::make_unique<Sglang>(servers, seed);
  if (name == "aibrix") return std::make_unique<Aibrix>(servers, seed);
  if (name == "epp") return std::make_unique<Epp>(servers, seed);
  if (name == "least_pending") return std::make_unique<LeastPending>(servers, seed);
  return make_core_router(name, servers, seed, says_usage);
}

}  // namespace leastwise::sim
