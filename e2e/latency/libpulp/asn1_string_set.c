// SPDX-License-Identifier: Apache-2.0
// The fixed file of the tree as a live patch of libpulp: its changed function, and of
// the others those that it needs. What the library does not export is called through
// pointers, which libpulp fills in by what the description says.
#define ossl_c2i_ASN1_BIT_STRING old_c2i_ASN1_BIT_STRING
#define ossl_c2i_ASN1_INTEGER old_c2i_ASN1_INTEGER
#define ossl_c2i_ASN1_OBJECT old_c2i_ASN1_OBJECT

#include "crypto/asn1/tasn_dec.c"

#define CALLED_THROUGH_A_POINTER(type) \
	static type *(*volatile ulpr_c2i_##type)(type **, const unsigned char **, long); \
	type *old_c2i_##type(type **value, const unsigned char **in, long length) \
	{ \
		return ulpr_c2i_##type(value, in, length); \
	}

CALLED_THROUGH_A_POINTER(ASN1_BIT_STRING)
CALLED_THROUGH_A_POINTER(ASN1_INTEGER)
CALLED_THROUGH_A_POINTER(ASN1_OBJECT)

__attribute__((visibility("default"))) int fixed_asn1_d2i_ex_primitive(
	ASN1_VALUE **pval, const unsigned char **in, long length, const ASN1_ITEM *it, int tag, int aclass, char opt,
	ASN1_TLC *ctx)
{
	return asn1_d2i_ex_primitive(pval, in, length, it, tag, aclass, opt, ctx);
}
