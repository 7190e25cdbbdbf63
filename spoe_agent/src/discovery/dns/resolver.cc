#include "discovery/dns/resolver.h"

#include <ares.h>
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace leastwise::discovery::dns {
namespace {

constexpr int kTimeoutMs = 1000, kTries = 2;
constexpr int kMostRecords = 1024;

struct Question {
  Type type;
  Resolver::Done done;
};

int number_of(Type type) noexcept {
  return type == Type::kA ? ns_t_a : type == Type::kAaaa ? ns_t_aaaa : ns_t_srv;
}

std::string text_of(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  return ::inet_ntop(family, address, buffer.data(), buffer.size()) == nullptr ? "" : buffer.data();
}

// c-ares does not say it of SRV records.
Duration shortest_ttl(const unsigned char* text, int size) {
  ns_msg message{};
  if (::ns_initparse(text, size, &message) != 0) return {};
  std::uint32_t ttl = UINT32_MAX;
  for (int i = 0; i < ns_msg_count(message, ns_s_an); ++i) {
    ns_rr record{};
    if (::ns_parserr(&message, ns_s_an, i, &record) != 0) break;
    ttl = std::min(ttl, ns_rr_ttl(record));
  }
  return ttl == UINT32_MAX ? Duration{} : std::chrono::seconds(ttl);
}

int read_srv(const unsigned char* text, int size, Reply& out) {
  ares_srv_reply* list = nullptr;
  const int status = ::ares_parse_srv_reply(text, size, &list);
  for (const ares_srv_reply* r = list; r != nullptr; r = r->next) {
    out.records.push_back(
        {.value = r->host, .priority = r->priority, .weight = r->weight, .port = r->port});
  }
  if (list != nullptr) ::ares_free_data(list);
  return status;
}

int read_a(const unsigned char* text, int size, Reply& out) {
  std::vector<ares_addrttl> list(kMostRecords);
  int n = kMostRecords;
  const int status = ::ares_parse_a_reply(text, size, nullptr, list.data(), &n);
  for (int i = 0; status == ARES_SUCCESS && i < n; ++i) {
    out.records.push_back({text_of(AF_INET, &list[static_cast<std::size_t>(i)].ipaddr)});
  }
  return status;
}

int read_aaaa(const unsigned char* text, int size, Reply& out) {
  std::vector<ares_addr6ttl> list(kMostRecords);
  int n = kMostRecords;
  const int status = ::ares_parse_aaaa_reply(text, size, nullptr, list.data(), &n);
  for (int i = 0; status == ARES_SUCCESS && i < n; ++i) {
    out.records.push_back({text_of(AF_INET6, &list[static_cast<std::size_t>(i)].ip6addr)});
  }
  return status;
}

// Where there are several servers c-ares asks the next one, and forgets why.
std::string error_of(int status) {
  std::string text = ::ares_strerror(status);
  if (status == ARES_ECONNREFUSED || status == ARES_EREFUSED) {
    text += ": none is there, or all answer REFUSED or SERVFAIL";
    text += " (do they serve that name, and this machine?)";
  }
  return text;
}

Reply reply_of(Type type, int status, const unsigned char* text, int size) {
  Reply reply;
  if (status == ARES_SUCCESS) {
    status = type == Type::kA      ? read_a(text, size, reply)
             : type == Type::kAaaa ? read_aaaa(text, size, reply)
                                   : read_srv(text, size, reply);
  }
  if (status == ARES_SUCCESS && reply.records.empty()) status = ARES_ENODATA;
  if (status == ARES_SUCCESS) {
    reply.outcome = Outcome::kFound;
    reply.ttl = shortest_ttl(text, size);
    return reply;
  }
  const bool is_none = status == ARES_ENOTFOUND || status == ARES_ENODATA;
  reply.records.clear();
  reply.outcome = is_none ? Outcome::kNone : Outcome::kFailed;
  reply.error = error_of(status);
  return reply;
}

void on_reply(void* self, int status, int /*timeouts*/, unsigned char* text, int size) {
  const std::unique_ptr<Question> question(static_cast<Question*>(self));
  if (status == ARES_EDESTRUCTION) return;
  question->done(reply_of(question->type, status, text, size));
}

}  // namespace

struct Resolver::Channel {
  explicit Channel(const std::string& servers) {
    static const int ready = ::ares_library_init(ARES_LIB_INIT_ALL);
    ares_options options{};
    options.timeout = kTimeoutMs;
    options.tries = kTries;
    int status = ready != ARES_SUCCESS
                     ? ready
                     : ::ares_init_options(&handle, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
    if (status == ARES_SUCCESS && !servers.empty()) {
      status = ::ares_set_servers_ports_csv(handle, servers.c_str());
    }
    if (status == ARES_SUCCESS) return;
    if (handle != nullptr) ::ares_destroy(handle);
    throw std::runtime_error("c-ares: " + std::string(::ares_strerror(status)));
  }
  ~Channel() { ::ares_destroy(handle); }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  ares_channel handle = nullptr;
};

Resolver::Resolver(const std::string& servers) : channel_(std::make_unique<Channel>(servers)) {}
Resolver::~Resolver() = default;

void Resolver::ask(const std::string& name, Type type, Done done) {
  ::ares_query(channel_->handle, name.c_str(), ns_c_in, number_of(type), &on_reply,
               std::make_unique<Question>(Question{type, std::move(done)}).release());
}

void Resolver::add_descriptors(std::vector<pollfd>& out) const {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int bits = ::ares_getsock(channel_->handle, sockets.data(), ARES_GETSOCK_MAXNUM);
  for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const auto mask = static_cast<unsigned>(bits);
    const bool reads = ARES_GETSOCK_READABLE(mask, i) != 0;
    const bool writes = ARES_GETSOCK_WRITABLE(mask, i) != 0;
    if (!reads && !writes) continue;
    out.push_back({.fd = sockets[i],
                   .events = static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)),
                   .revents = 0});
  }
}

void Resolver::on_ready(const pollfd& fd) {
  ::ares_process_fd(channel_->handle,
                    (fd.revents & POLLOUT) == fd.revents ? ARES_SOCKET_BAD : fd.fd,
                    (fd.revents & POLLOUT) != 0 ? fd.fd : ARES_SOCKET_BAD);
}

TimePoint Resolver::process(TimePoint now) {
  ::ares_process_fd(channel_->handle, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  timeval buffer{};
  const timeval* const next = ::ares_timeout(channel_->handle, nullptr, &buffer);
  if (next == nullptr) return TimePoint::max();
  return now + std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
}

}  // namespace leastwise::discovery::dns
