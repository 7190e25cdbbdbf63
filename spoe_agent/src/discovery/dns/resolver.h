// Resolver: questions to the DNS by c-ares, without waiting. Truncated answers are asked for again
// over TCP, silent servers twice, by c-ares itself.
#ifndef LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_RESOLVER_H_
#define LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_RESOLVER_H_

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "leastwise/clock.h"

namespace leastwise::discovery::dns {

enum class Type : std::uint8_t { kA, kAaaa, kSrv };

struct Record {
  std::string value;  // an address without its port, or of SRV the name of a host
  // Of SRV alone:
  std::uint16_t priority = 0, weight = 0, port = 0;
};

// kNone: the name or the type does not exist, says a server. kFailed: nobody could tell.
enum class Outcome : std::uint8_t { kFound, kNone, kFailed };

struct Reply {
  Outcome outcome = Outcome::kFailed;
  std::vector<Record> records{};
  Duration ttl{};       // the shortest of them
  std::string error{};  // unless kFound
};

class Resolver {
 public:
  using Done = std::function<void(Reply)>;

  // `servers` as "10.0.0.10:53,[::1]:5353"; empty: those of /etc/resolv.conf. Throws
  // std::runtime_error.
  explicit Resolver(const std::string& servers);
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The name is whole: no search list is tried. `done` is called once, from here or process(), but
  // not after the resolver's end.
  void ask(const std::string& name, Type type, Done done);

  void add_descriptors(std::vector<pollfd>& out) const;
  void on_ready(const pollfd& fd);
  // Gives up on who was silent for too long, and says when to call again at the latest.
  TimePoint process(TimePoint now);

 private:
  struct Channel;
  std::unique_ptr<Channel> channel_;
};

}  // namespace leastwise::discovery::dns

#endif  // LEASTWISE_SPOE_AGENT_DISCOVERY_DNS_RESOLVER_H_
