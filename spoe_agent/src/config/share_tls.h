// ShareTls: whom `share rediss://…` trusts, and who we are, by files of PEM.
#ifndef LEASTWISE_SPOE_AGENT_CONFIG_SHARE_TLS_H_
#define LEASTWISE_SPOE_AGENT_CONFIG_SHARE_TLS_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/redis_url.h"

struct ssl_ctx_st;

namespace leastwise::agent {

struct ShareTls {
  std::string ca{};           // empty: the system's
  std::string certificate{};  // empty: none is shown
  std::string key{};

  bool operator==(const ShareTls&) const = default;
};

// The directives of both files.
struct ShareTlsSetting {
  std::string_view name, help;
};
inline constexpr ShareTlsSetting kShareTlsCa = {
    "share_tls_ca_cert_file",
    "Of `share rediss://…`: the CAs of whom the certificate of Redis may be, as PEM. The files of "
    "`share_tls_…` are read for each connection. Default: those that the system trusts."};
inline constexpr ShareTlsSetting kShareTlsCert = {
    "share_tls_cert_file",
    "Of `share rediss://…`: the certificate that is shown to Redis, as PEM, with those between it "
    "and its CA after it. Needs `share_tls_key_file`. Default: none."};
inline constexpr ShareTlsSetting kShareTlsKey = {
    "share_tls_key_file",
    "The key of that certificate, as PEM, without a passphrase. Default: none."};
inline constexpr std::string_view kAcceptedTlsFile = "expected the absolute path of a file of PEM";

bool read_tls_file(const std::string& value, std::string& out);

// Which directive can not stand there, and why; empty: all can.
struct VainTls {
  std::string_view name, message;
};
VainTls set_in_vain(const std::optional<RedisUrl>& share, const ShareTls& tls) noexcept;

struct FreeTls {
  void operator()(ssl_ctx_st* context) const noexcept;
};
using TlsContext = std::unique_ptr<ssl_ctx_st, FreeTls>;

// Reads the files. Throws std::runtime_error, which names directive and file.
TlsContext make_tls_context(const ShareTls& tls);
// The same of what a configuration `file` says, where there is TLS; names that file, too.
void check_tls_files(const std::string& file, const std::optional<RedisUrl>& share,
                     const ShareTls& tls);

}  // namespace leastwise::agent

#endif  // LEASTWISE_SPOE_AGENT_CONFIG_SHARE_TLS_H_
