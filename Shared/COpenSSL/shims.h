#pragma once

// Engines are deprecated in OpenSSL 3, and the only way to a token that Debian ships.
#define OPENSSL_SUPPRESS_DEPRECATED

// What Swift cannot import: OpenSSL's function-like macros and its type-safe stacks.

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static inline long baohan_SSL_CTX_set_mode(SSL_CTX *context, long mode) { return SSL_CTX_set_mode(context, mode); }
static inline int baohan_SSL_CTX_set_min_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}
static inline int baohan_SSL_CTX_set_max_proto_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_max_proto_version(context, version);
}
static inline long baohan_SSL_CTX_set_session_cache_mode(SSL_CTX *context, long mode) {
    return SSL_CTX_set_session_cache_mode(context, mode);
}
static inline int baohan_SSL_set_tlsext_host_name(SSL *ssl, const char *name) {
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
static inline int baohan_SSL_get_ex_new_index(void) { return SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL); }

static inline void baohan_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void baohan_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline long baohan_BIO_get_mem_data(BIO *bio, char **data) { return BIO_get_mem_data(bio, data); }

static inline int baohan_sk_X509_num(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }
static inline X509 *baohan_sk_X509_value(const STACK_OF(X509) *stack, int index) { return sk_X509_value(stack, index); }
static inline STACK_OF(X509) *baohan_sk_X509_new(void) { return sk_X509_new_null(); }
static inline int baohan_sk_X509_push(STACK_OF(X509) *stack, X509 *certificate) {
    return sk_X509_push(stack, certificate);
}
/// Frees the stack, not the certificates in it.
static inline void baohan_sk_X509_free(STACK_OF(X509) *stack) { sk_X509_free(stack); }
static inline void baohan_sk_X509_pop_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int baohan_sk_GENERAL_NAME_num(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *baohan_sk_GENERAL_NAME_value(const GENERAL_NAMES *names, int index) {
    return sk_GENERAL_NAME_value(names, index);
}
/// The text of a uniformResourceIdentifier, or NULL for every other kind of name.
static inline const ASN1_IA5STRING *baohan_GENERAL_NAME_uri(const GENERAL_NAME *name) {
    return name->type == GEN_URI ? name->d.uniformResourceIdentifier : NULL;
}

static inline EVP_PKEY *baohan_EVP_EC_gen(const char *curve) { return EVP_EC_gen(curve); }
static inline EVP_PKEY *baohan_EVP_RSA_gen(unsigned int bits) { return EVP_RSA_gen(bits); }

static inline uint64_t baohan_SSL_OP_NO_COMPRESSION(void) { return SSL_OP_NO_COMPRESSION; }
static inline uint64_t baohan_SSL_OP_NO_RENEGOTIATION(void) { return SSL_OP_NO_RENEGOTIATION; }
static inline uint64_t baohan_SSL_OP_NO_TICKET(void) { return SSL_OP_NO_TICKET; }

static inline void baohan_X509V3_set_ctx_nodb(X509V3_CTX *context) { X509V3_set_ctx_nodb(context); }
static inline int baohan_EVP_PKEY_is_rsa(const EVP_PKEY *key) { return EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA; }
static inline int baohan_EVP_PKEY_is_ed25519(const EVP_PKEY *key) {
    return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519;
}
static inline int baohan_EVP_PKEY_is_sm2(const EVP_PKEY *key) { return EVP_PKEY_is_a(key, "SM2"); }
static inline int baohan_EVP_PKEY_is_ec(const EVP_PKEY *key) { return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC; }


/// A P-256 public key from an uncompressed point of 65 bytes, or NULL. In C because the parameters borrow their names.
static inline EVP_PKEY *baohan_EVP_PKEY_from_p256_point(unsigned char *point) {
    char group[] = "prime256v1";
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, 65),
        OSSL_PARAM_construct_end(),
    };
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    if (context == NULL || EVP_PKEY_fromdata_init(context) != 1 ||
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters) != 1) {
        key = NULL;
    }
    EVP_PKEY_CTX_free(context);
    return key;
}

/// SM2 signs a digest that begins with the signer's identity (GM/T 0009); certificates use the default one.
static inline int baohan_X509_set_sm2_identity(X509 *certificate) {
    static const char identity[] = "1234567812345678";
    ASN1_OCTET_STRING *text = ASN1_OCTET_STRING_new();
    if (text == NULL || ASN1_OCTET_STRING_set(text, (const unsigned char *)identity, sizeof identity - 1) != 1) {
        ASN1_OCTET_STRING_free(text);
        return 0;
    }
    X509_set0_distinguishing_id(certificate, text);
    return 1;
}

/// What OpenSSL refuses and our rules decide otherwise: a trust anchor may be without key usage, because it is trusted for
/// its name and key (RFC 5280, 6.1.1 d); and a leaf's common name, which OpenSSL still takes for a host where there is no
/// alternative name, is no name of a host (RFC 9525, 6.3).
static inline int baohan_verify_callback(int isFine, X509_STORE_CTX *context) {
    if (isFine) return 1;
    STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);
    int depth = X509_STORE_CTX_get_error_depth(context);
    switch (X509_STORE_CTX_get_error(context)) {
        case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE: return chain != NULL && depth == sk_X509_num(chain) - 1;
        case X509_V_ERR_PERMITTED_VIOLATION:
        case X509_V_ERR_EXCLUDED_VIOLATION: return depth == 0;
        default: return 0;
    }
}
static inline void baohan_X509_STORE_CTX_set_callback(X509_STORE_CTX *context) {
    X509_STORE_CTX_set_verify_cb(context, baohan_verify_callback);
}

static inline EVP_PKEY *baohan_EVP_sm2_gen(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "SM2"); }
static inline EVP_PKEY *baohan_EVP_ed25519_gen(void) { return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"); }

static inline int baohan_EVP_pad(EVP_PKEY_CTX *context, int isPSS, int saltLength) {
    return !isPSS || (EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
                      EVP_PKEY_CTX_set_rsa_pss_saltlen(context, saltLength) == 1);
}

/// `EVP_MD_CTX` for one signature by `key`, or NULL. SM2 needs its identity set before the key.
static inline EVP_MD_CTX *baohan_EVP_context(EVP_PKEY *key, EVP_PKEY_CTX **own) {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    *own = NULL;
    if (context == NULL || !EVP_PKEY_is_a(key, "SM2")) return context;
    *own = EVP_PKEY_CTX_new(key, NULL);
    if (*own == NULL || EVP_PKEY_CTX_set1_id(*own, "1234567812345678", 16) != 1) {
        EVP_PKEY_CTX_free(*own);
        EVP_MD_CTX_free(context);
        return NULL;
    }
    EVP_MD_CTX_set_pkey_ctx(context, *own);
    return context;
}

/// Verifies one signature; `digest` is NULL for keys that hash by themselves.
static inline int baohan_EVP_verify(EVP_PKEY *key, const char *digest, int isPSS, const unsigned char *signature,
                                    size_t signatureLength, const unsigned char *message, size_t length) {
    EVP_PKEY_CTX *own, *used = NULL;
    EVP_MD_CTX *context = baohan_EVP_context(key, &own);
    if (context == NULL) return 0;
    int isFine = EVP_DigestVerifyInit_ex(context, &used, digest, NULL, NULL, key, NULL) == 1 &&
                 baohan_EVP_pad(used, isPSS, RSA_PSS_SALTLEN_AUTO) == 1 &&
                 EVP_DigestVerify(context, signature, signatureLength, message, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_CTX_free(own);
    return isFine;
}

/// Makes one signature; `*signatureLength` is the room before and the length after.
static inline int baohan_EVP_sign(EVP_PKEY *key, const char *digest, int isPSS, unsigned char *signature,
                                  size_t *signatureLength, const unsigned char *message, size_t length) {
    EVP_PKEY_CTX *own, *used = NULL;
    EVP_MD_CTX *context = baohan_EVP_context(key, &own);
    if (context == NULL) return 0;
    int isFine = EVP_DigestSignInit_ex(context, &used, digest, NULL, NULL, key, NULL) == 1 &&
                 baohan_EVP_pad(used, isPSS, RSA_PSS_SALTLEN_DIGEST) == 1 &&
                 EVP_DigestSign(context, signature, signatureLength, message, length) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_CTX_free(own);
    return isFine;
}

/// One line after RFC 2253, with Chinese characters as they are.
static inline unsigned long baohan_name_flags(void) { return XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB; }

static inline int baohan_X509_is_sm2(const X509 *certificate) {
    return X509_get_signature_nid(certificate) == NID_SM2_with_SM3;
}

/// Signs with the hash that belongs to the key: SM3 with the default identity (which `X509_sign` leaves out), none for
/// Ed25519, SHA-384 for P-384.
static inline int baohan_X509_sign(X509 *certificate, EVP_PKEY *key) {
    if (EVP_PKEY_is_a(key, "ED25519")) return X509_sign(certificate, key, NULL) > 0;
    if (!EVP_PKEY_is_a(key, "SM2")) {
        return X509_sign(certificate, key, EVP_PKEY_get_bits(key) == 384 ? EVP_sha384() : EVP_sha256()) > 0;
    }
    EVP_PKEY_CTX *own;
    EVP_MD_CTX *context = baohan_EVP_context(key, &own);
    int isFine = context != NULL && baohan_X509_set_sm2_identity(certificate) == 1 &&
                 EVP_DigestSignInit(context, NULL, EVP_sm3(), NULL, key) == 1 && X509_sign_ctx(certificate, context) > 0;
    EVP_MD_CTX_free(context);
    EVP_PKEY_CTX_free(own);
    return isFine;
}

/// The key behind a PKCS #11 address (RFC 7512), or NULL. The engine takes the token's library from PKCS11_MODULE_PATH.
static inline EVP_PKEY *baohan_load_pkcs11_key(const char *uri) {
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("pkcs11");
    if (engine == NULL) return NULL;
    EVP_PKEY *key = NULL;
    if (ENGINE_init(engine)) {
        key = ENGINE_load_private_key(engine, uri, NULL, NULL);
        // The key holds on to the engine by itself.
        ENGINE_finish(engine);
    }
    ENGINE_free(engine);
    return key;
}
