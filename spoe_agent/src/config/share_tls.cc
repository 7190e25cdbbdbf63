#include "config/share_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <stdexcept>

namespace leastwise::agent {
namespace {

[[noreturn]] void refuse(const ShareTlsSetting& setting, const std::string& file) {
  const unsigned long error = ::ERR_peek_error();
  const char* why = ERR_SYSTEM_ERROR(error) ? std::strerror(ERR_GET_REASON(error))
                                            : ::ERR_reason_error_string(error);
  if (ERR_GET_REASON(error) == ERR_R_INTERRUPTED_OR_CANCELLED) {
    why = "it has a passphrase; give one without";
  }
  throw std::runtime_error(std::string(setting.name) + ": " + file + ": " +
                           (why == nullptr ? "can not be used" : why));
}

// A key with a passphrase is refused; else somebody would be asked at a terminal.
int no_passphrase(char* /*out*/, int /*size*/, int /*writes*/, void* /*unused*/) { return -1; }

}  // namespace

void FreeTls::operator()(ssl_ctx_st* context) const noexcept { ::SSL_CTX_free(context); }

bool read_tls_file(const std::string& value, std::string& out) {
  out = value;
  return value.size() > 1 && value.front() == '/';
}

VainTls set_in_vain(const std::optional<RedisUrl>& share, const ShareTls& tls) noexcept {
  if (!share || !share->is_tls) {
    constexpr std::string_view kWhy =
        "has no effect without TLS: give share rediss://…, or take this out";
    if (!tls.ca.empty()) return {kShareTlsCa.name, kWhy};
    if (!tls.certificate.empty()) return {kShareTlsCert.name, kWhy};
    if (!tls.key.empty()) return {kShareTlsKey.name, kWhy};
  }
  if (tls.certificate.empty() == tls.key.empty()) return {};
  return {(tls.key.empty() ? kShareTlsCert : kShareTlsKey).name,
          "required together: share_tls_cert_file and share_tls_key_file"};
}

void check_tls_files(const std::string& file, const std::optional<RedisUrl>& share,
                     const ShareTls& tls) {
  if (!share || !share->is_tls) return;
  try {
    make_tls_context(tls);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(file + ": " + error.what());
  }
}

TlsContext make_tls_context(const ShareTls& tls) {
  ::ERR_clear_error();
  TlsContext context(::SSL_CTX_new(::TLS_client_method()));
  if (context == nullptr) throw std::runtime_error("OpenSSL could not be started");
  ::SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  ::SSL_CTX_set_default_passwd_cb(context.get(), &no_passphrase);
  if (tls.ca.empty()) {
    ::SSL_CTX_set_default_verify_paths(context.get());
  } else if (::SSL_CTX_load_verify_file(context.get(), tls.ca.c_str()) != 1) {
    refuse(kShareTlsCa, tls.ca);
  }
  if (tls.certificate.empty()) return context;
  if (::SSL_CTX_use_certificate_chain_file(context.get(), tls.certificate.c_str()) != 1) {
    refuse(kShareTlsCert, tls.certificate);
  }
  if (::SSL_CTX_use_PrivateKey_file(context.get(), tls.key.c_str(), SSL_FILETYPE_PEM) != 1) {
    refuse(kShareTlsKey, tls.key);
  }
  return context;
}

}  // namespace leastwise::agent
